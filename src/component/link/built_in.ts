import { coreFuncType, maxFlatParams } from "../abi/flatten.ts";
import { recordLayout } from "../abi/layout.ts";
import type { BuiltInName, BuiltInSyntax, CoreFuncType } from "../format/syntax.ts";
import type { ComponentValueType } from "../types/types.ts";
import { hasPointer, type OptionsNeeded, resolveBuiltInOptions } from "./canon_options.ts";
import { resolveValue } from "./define_type.ts";
import { type CanonOptions, type CoreSource, invalid, type Scope } from "./items.ts";

/** A built-in of the asynchronous ABI with its operands resolved. */
export interface BuiltIn {
  readonly name: BuiltInName;
  readonly type: CoreFuncType;
  /** True if it is `async` or `cancellable`. */
  readonly flag: boolean;
  /** The elements of its stream or future, or the result of `task.return`. */
  readonly element: ComponentValueType | undefined;
  readonly options: CanonOptions | undefined;
  /** The memory of `waitable-set.wait` and `poll`. */
  readonly memory: CoreSource | undefined;
  /** The table of `thread.new-indirect`. */
  readonly table: CoreSource | undefined;
  /** The slot of `context.get` and `context.set`. */
  readonly slot: number;
}

const i32 = "i32";

function signature(params: number, ...results: string[]): CoreFuncType {
  return { params: Array.from({ length: params }, () => i32), results };
}

/** Core types of the built-ins whose type does not depend on their operands. */
const types: Readonly<Partial<Record<BuiltInName, CoreFuncType>>> = {
  "task.cancel": signature(0),
  "subtask.cancel": signature(1, i32),
  "subtask.drop": signature(1),
  "backpressure.inc": signature(0),
  "backpressure.dec": signature(0),
  "waitable-set.new": signature(0, i32),
  "waitable-set.wait": signature(2, i32),
  "waitable-set.poll": signature(2, i32),
  "waitable-set.drop": signature(1),
  "waitable.join": signature(2),
  "context.get": signature(0, i32),
  "context.set": signature(1),
  "stream.new": signature(0, "i64"),
  "stream.read": signature(3, i32),
  "stream.write": signature(3, i32),
  "stream.cancel-read": signature(1, i32),
  "stream.cancel-write": signature(1, i32),
  "stream.drop-readable": signature(1),
  "stream.drop-writable": signature(1),
  "future.new": signature(0, "i64"),
  "future.read": signature(2, i32),
  "future.write": signature(2, i32),
  "future.cancel-read": signature(1, i32),
  "future.cancel-write": signature(1, i32),
  "future.drop-readable": signature(1),
  "future.drop-writable": signature(1),
  "error-context.new": signature(2, i32),
  "error-context.debug-message": signature(2),
  "error-context.drop": signature(1),
  "thread.index": signature(0, i32),
  "thread.new-indirect": signature(2, i32),
  "thread.resume-later": signature(1),
  "thread.suspend": signature(0, i32),
  "thread.yield": signature(0, i32),
  "thread.suspend-then-resume": signature(1, i32),
  "thread.yield-then-resume": signature(1, i32),
  "thread.suspend-then-promote": signature(1, i32),
  "thread.yield-then-promote": signature(1, i32),
};

/** Slots of a thread's storage. */
const contextSlots = 2;

/**
 * Resolves a built-in: its operands and its core type.
 *
 * @throws CapsuleError `LOAD` with the rule that it breaks.
 * @see CanonicalABI.md, "Canonical Definitions"
 */
export function resolveBuiltIn(syntax: BuiltInSyntax, scope: Scope, offset: number): BuiltIn {
  const operands = resolveOperands(syntax, scope, offset);
  const { name, element } = operands;
  if (name === "task.return") {
    const params = element === undefined ? [] : [{ label: "", type: element }];
    const func = { kind: "func", isAsync: false, params, result: undefined } as const;
    return { ...operands, type: coreFuncType(func, "lower") };
  }
  const type = types[name];
  if (!type) throw new Error(`no core type is known for ${name}`);
  return { ...operands, type };
}

type Operands = Omit<BuiltIn, "type">;

function resolveOperands(syntax: BuiltInSyntax, scope: Scope, offset: number): Operands {
  const { name, flag, indices } = syntax;
  const [first = 0, second = 0] = indices;
  const none = { name, flag, element: undefined, options: undefined, slot: 0 };
  const plain: Operands = { ...none, memory: undefined, table: undefined };
  const options = (needs: OptionsNeeded, mayBeAsync = false) =>
    syntax.options && resolveBuiltInOptions(syntax.options, scope, { needs, mayBeAsync, offset });
  switch (name) {
    case "task.return": {
      const element = syntax.result === undefined
        ? undefined
        : resolveValue(syntax.result, scope, offset);
      const needsMemory = element !== undefined &&
        (hasPointer(element) || recordLayout([element]).flat.length > maxFlatParams);
      return { ...plain, element, options: options({ memory: needsMemory, realloc: false }) };
    }
    case "context.get":
    case "context.set":
      if (syntax.coreType !== i32) {
        throw invalid(`\`canon ${name}\` must be of type i32, not ${syntax.coreType}`, offset);
      }
      if (first >= contextSlots) {
        throw invalid(`\`canon ${name}\` has slots 0 to ${contextSlots - 1}: got ${first}`, offset);
      }
      return { ...plain, slot: first };
    case "waitable-set.wait":
    case "waitable-set.poll":
      return { ...plain, memory: scope.get("core memory", first, offset).source };
    case "error-context.new":
      return { ...plain, options: options({ memory: true, realloc: false }) };
    case "error-context.debug-message":
      return { ...plain, options: options({ memory: true, realloc: true }) };
    case "thread.new-indirect": {
      const { type } = scope.get("core type", first, offset);
      if (type.kind !== "func" || type.type.params.join() !== i32 || type.type.results.length) {
        throw invalid("start function must take one i32 and return nothing", offset);
      }
      return { ...plain, table: scope.get("core table", second, offset).source };
    }
  }
  const [kind] = name.split(".");
  if (kind !== "stream" && kind !== "future") return plain;
  const { type } = scope.get("type", first, offset);
  if (type.kind !== kind) throw invalid(`type index ${first} is not a ${kind} type`, offset);
  const { element } = type;
  const reads = name.endsWith(".read");
  const needs = {
    memory: element !== undefined,
    realloc: reads && element !== undefined && hasPointer(element),
  };
  return { ...plain, element, options: options(needs, true) };
}
