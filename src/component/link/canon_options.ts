import { type CallingConvention, coreFuncType, flatSignature } from "../abi/flatten.ts";
import type { CanonOptionsSyntax, CoreFuncType } from "../format/syntax.ts";
import { showFunc } from "../types/core_match.ts";
import { type ComponentValueType, contains, type FuncType } from "../types/types.ts";
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

const callbackType: CoreFuncType = { params: ["i32", "i32", "i32"], results: ["i32"] };

/** Returns the calling convention of a function that is lifted or lowered with these options. */
export function conventionOf(
  { isAsync, callback }: { readonly isAsync: boolean; readonly callback: unknown },
  context: "lift" | "lower",
): CallingConvention {
  if (context === "lower") return isAsync ? "async lower" : "lower";
  if (!isAsync) return "lift";
  return callback === undefined ? "stackful lift" : "callback lift";
}

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
  const { isAsync, callback, postReturn } = syntax;
  if (isAsync && !type.isAsync) {
    throw invalid("the `async` canonical option requires an async function type", offset);
  }
  if (callback !== undefined) {
    const option = "canonical option `callback`";
    if (context === "lower") throw invalid(`${option} cannot be specified for lowerings`, offset);
    if (!isAsync) throw invalid(`${option} requires the option \`async\``, offset);
    const func = scope.get("core func", callback, offset);
    expectCoreType(func, callbackType, { what: option, offset });
  }
  if (postReturn !== undefined) {
    const option = "canonical option `post-return`";
    if (context === "lower") throw invalid(`${option} cannot be specified for lowerings`, offset);
    if (isAsync) throw invalid(`${option} cannot be specified with \`async\``, offset);
    const func = scope.get("core func", postReturn, offset);
    const params = coreFuncType(type, "lift").results;
    expectCoreType(func, { params, results: [] }, { what: option, offset });
  }
  const needs = optionsNeeded(type, { context, convention: conventionOf(syntax, context) });
  return resolveMemoryOptions(syntax, scope, { needs, offset });
}

/**
 * Resolves options of a built-in, which can only have those that concern values in memory, and
 * `async` for those that copy.
 *
 * @throws CapsuleError `LOAD` if one is missing, of the wrong type, or not for this context.
 */
export function resolveBuiltInOptions(
  syntax: CanonOptionsSyntax,
  scope: Scope,
  { needs, mayBeAsync, offset }: { needs: OptionsNeeded; mayBeAsync: boolean; offset: number },
): CanonOptions {
  for (const option of ["postReturn", "callback"] as const) {
    if (syntax[option] === undefined) continue;
    const name = option === "postReturn" ? "post-return" : option;
    throw invalid(`canonical option \`${name}\` cannot be specified for a built-in`, offset);
  }
  if (syntax.isAsync && !mayBeAsync) {
    throw invalid("canonical option `async` cannot be specified for this built-in", offset);
  }
  return resolveMemoryOptions(syntax, scope, { needs, offset });
}

/** The options without which values cannot be moved. */
export interface OptionsNeeded {
  readonly memory: boolean;
  readonly realloc: boolean;
}

function resolveMemoryOptions(
  { encoding, isAsync, ...syntax }: CanonOptionsSyntax,
  scope: Scope,
  { needs, offset }: { needs: OptionsNeeded; offset: number },
): CanonOptions {
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
  if (needs.memory && !memory) throw invalid("canonical option `memory` is required", offset);
  if (needs.realloc && !realloc) throw invalid("canonical option `realloc` is required", offset);
  return {
    encoding,
    memory: memory?.source,
    realloc: realloc?.source,
    postReturn: func(syntax.postReturn)?.source,
    isAsync,
    callback: func(syntax.callback)?.source,
  };
}

/**
 * Returns the options that a function needs: a memory to read values behind pointers, and `realloc`
 * to write them.
 */
function optionsNeeded(
  type: FuncType,
  { context, convention }: { context: "lift" | "lower"; convention: CallingConvention },
): OptionsNeeded {
  const { paramsInMemory, resultInMemory } = flatSignature(type, convention);
  const params = type.params.some(({ type }) => hasPointer(type));
  const result = type.result !== undefined && hasPointer(type.result);
  // The result of an asynchronous lift is read with the options of `task.return`.
  const isAsyncLift = convention === "callback lift" || convention === "stackful lift";
  const resultNeedsMemory = !isAsyncLift && (resultInMemory || result);
  return {
    memory: paramsInMemory || params || resultNeedsMemory,
    // What the host or another component passes in is allocated by the receiver.
    realloc: context === "lift" ? paramsInMemory || params : result,
  };
}

/** Reports whether values of a type have parts that are stored behind a pointer. */
export function hasPointer(type: ComponentValueType): boolean {
  return contains(
    type,
    ({ kind, ...rest }) =>
      kind === "string" || kind === "map" ||
      (kind === "list" && !("length" in rest && rest.length !== undefined)),
    // The elements of a stream or future are moved by its reads and writes.
    ({ kind }) => kind !== "stream" && kind !== "future",
  );
}
