import { CapsuleError } from "../../base/errors.ts";
import { coreFuncType, flatSignature } from "../abi/flatten.ts";
import type { CanonOptionsSyntax, CoreFuncType } from "../format/syntax.ts";
import { showFunc } from "../types/core_match.ts";
import { contains, type FuncType } from "../types/types.ts";
import { type CanonOptions, type CoreItem, invalid, type Scope } from "./items.ts";

/** Checks the core type of a function. @throws CapsuleError `LOAD` if it differs. */
export function expectCoreType(
  { type }: CoreItem,
  expected: CoreFuncType,
  { what, offset }: { what: string; offset: number },
): void {
  const found = type.kind === "core func" ? showFunc(type.type) : type.kind;
  if (found === showFunc(expected)) return;
  throw invalid(`${what} does not match: expected ${showFunc(expected)}, found ${found}`, offset);
}

const reallocType: CoreFuncType = { params: ["i32", "i32", "i32", "i32"], results: ["i32"] };

/**
 * Resolves the options of a lift or lower.
 *
 * @throws CapsuleError `LOAD` if one is missing, of the wrong type, or not for this context.
 */
export function resolveOptions(
  syntax: CanonOptionsSyntax,
  scope: Scope,
  { type, context, offset }: { type: FuncType; context: "lift" | "lower"; offset: number },
): CanonOptions {
  const { encoding, isAsync, callback } = syntax;
  if (isAsync || callback !== undefined || type.isAsync) {
    throw new CapsuleError(
      "LOAD",
      "Cannot run the component: it has asynchronous functions (WASI 0.3), and Capsule runs WASI 0.2",
    );
  }
  const memory = syntax.memory === undefined
    ? undefined
    : scope.get("core memory", syntax.memory, offset);
  if (memory?.type.kind === "core memory" && memory.type.limits.is64) {
    throw invalid("canonical ABI memory is not a 32-bit linear memory", offset);
  }
  const func = (index: number | undefined) =>
    index === undefined ? undefined : scope.get("core func", index, offset);
  const realloc = func(syntax.realloc);
  if (realloc) {
    if (!memory) throw invalid("canonical option `memory` is required with `realloc`", offset);
    expectCoreType(realloc, reallocType, { what: "canonical option `realloc`", offset });
  }
  const postReturn = func(syntax.postReturn);
  if (postReturn) {
    if (context === "lower") {
      throw invalid("canonical option `post-return` cannot be specified for lowerings", offset);
    }
    const params = coreFuncType(type, "lift").results;
    expectCoreType(postReturn, { params, results: [] }, {
      what: "canonical option `post-return`",
      offset,
    });
  }
  const needs = optionsNeeded(type, context);
  if (needs.memory && !memory) throw invalid("canonical option `memory` is required", offset);
  if (needs.realloc && !realloc) throw invalid("canonical option `realloc` is required", offset);
  return {
    encoding,
    memory: memory?.source,
    realloc: realloc?.source,
    postReturn: postReturn?.source,
  };
}

/** Returns which options a function needs: a memory for pointers, `realloc` for what is written. */
function optionsNeeded(
  type: FuncType,
  context: "lift" | "lower",
): { memory: boolean; realloc: boolean } {
  const { paramsInMemory, resultInMemory } = flatSignature(type);
  const hasPointer = (part: FuncType["result"]) =>
    part !== undefined &&
    contains(part, ({ kind, ...rest }) =>
      kind === "string" || kind === "map" || kind === "error-context" ||
      (kind === "list" && !("length" in rest && rest.length !== undefined)));
  const params = type.params.some(({ type }) => hasPointer(type));
  const result = hasPointer(type.result);
  return {
    memory: paramsInMemory || resultInMemory || params || result,
    // What the host or another component passes in is allocated by the receiver.
    realloc: context === "lift" ? paramsInMemory || params : result,
  };
}
