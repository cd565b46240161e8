import type { ModuleDescription } from "./format/describe.ts";
import type { Layout } from "./format/layout.ts";
import { hex } from "./format/reader.ts";
import type { ValueType } from "./format/value_types.ts";
import { accessorNames, PREPARE_MODULE } from "./contract.ts";
import { Op } from "./format/instructions.ts";
import { bytesOf } from "./format/writer.ts";
import type { AddedFunction, Edits } from "./plan/edits.ts";
import type { Code } from "./scan/code.ts";

/**
 * The state that a reset restores, the names by which it is reached, and why it may be incomplete.
 */
export interface ResettableState {
  globals: { exportName: string; type: ValueType }[];
  memoryExport: string | undefined;
  /** Exports to add, and functions that are exported. */
  exports: Edits["exports"];
  accessors: AddedFunction[];
  /** Reasons why a reset would not restore everything, as sentences. */
  cannotReset: string[];
}

/**
 * Lists an instance's state: memories, mutable globals, tables, dropped segments, structures.
 *
 * `importsAreReset` is set if the state that the module imports is reset by its owners.
 */
export function exportState(
  layout: Layout,
  code: Code,
  { importsAreReset = false }: { importsAreReset?: boolean } = {},
): ResettableState {
  const { description } = layout;
  const state: ResettableState = {
    globals: [],
    memoryExport: undefined,
    exports: [],
    accessors: [],
    cannotReset: [],
  };
  exportGlobals(description, state);
  exportMemory(description, state);
  const { cannotReset } = state;
  const { tableWrite, segmentDrop } = code;
  if (tableWrite) {
    const { instruction, offset } = tableWrite;
    cannotReset.push(`Its code writes to a table (${instruction} at offset ${hex(offset)}).`);
  }
  if (segmentDrop) {
    const { instruction, offset } = segmentDrop;
    cannotReset.push(`Its code drops a segment (${instruction} at offset ${hex(offset)}).`);
  }
  if (layout.types.some(({ kind }) => kind !== "function")) {
    cannotReset.push("It has structures or arrays, whose fields JavaScript cannot restore.");
  }
  for (const item of importsAreReset ? [] : description.imports) {
    const isState = item.kind === "memory" || item.kind === "table" ||
      item.kind === "global" && item.mutable;
    if (isState) {
      cannotReset.push(
        `It imports the ${item.kind} '${item.module}.${item.name}', which others may change.`,
      );
    }
  }
  return state;
}

/** Types of globals that JavaScript reads and writes without a change. */
const restorable: ReadonlySet<ValueType> = new Set<ValueType>([
  ...["i32", "i64", "f32", "f64"] as const,
  ...["funcref", "externref", "nullfuncref", "nullexternref", "nullref"] as const,
]);

function exportGlobals({ imports, globals }: ModuleDescription, state: ResettableState): void {
  let index = 0;
  for (const { kind } of imports) if (kind === "global") index++;
  for (; index < globals.length; index++) {
    const { type, mutable } = globals[index] ?? { type: "unknown", mutable: false };
    if (!mutable) continue;
    // A numbered type is a function type: a module with others has no reset.
    if (!restorable.has(type) && !/^\(ref (null )?(\d+|funcref|externref)\)$/.test(type)) {
      state.cannotReset.push(
        `Its mutable global ${index} has type ${type}, which JavaScript cannot restore.`,
      );
      continue;
    }
    const exportName = `${PREPARE_MODULE}:global:${index}`;
    state.globals.push({ exportName, type });
    if (type === "f32" || type === "f64") {
      state.accessors.push(...accessorsOf(exportName, type, index));
    } else state.exports.push({ name: exportName, kind: "global", index });
  }
}

/** Returns functions that read and write the bits of a floating-point global. */
function accessorsOf(
  exportName: string,
  type: "f32" | "f64",
  index: number,
): AddedFunction[] {
  const { get, set } = accessorNames(exportName);
  const integer = type === "f32" ? "i32" : "i64";
  const toInteger = type === "f32" ? Op.i32ReinterpretF32 : Op.i64ReinterpretF64;
  const toFloat = type === "f32" ? Op.f32ReinterpretI32 : Op.f64ReinterpretI64;
  return [
    {
      name: get,
      exportName: get,
      type: { params: [], results: [integer] },
      body: () => bytesOf(0, Op.globalGet, index, [toInteger], Op.end),
    },
    {
      name: set,
      exportName: set,
      type: { params: [integer], results: [] },
      body: () => bytesOf(0, Op.localGet, 0, [toFloat], Op.globalSet, index, Op.end),
    },
  ];
}

function exportMemory({ memories, exports }: ModuleDescription, state: ResettableState): void {
  if (memories.length > 1) state.cannotReset.push(`It has ${memories.length} memories.`);
  if (memories.some(({ limits }) => limits.shared)) {
    state.cannotReset.push("It has a shared memory.");
  }
  if (memories.length === 0) return;
  for (const { kind, index, name } of exports) {
    if (kind === "memory" && index === 0) state.memoryExport ??= name;
  }
  if (state.memoryExport !== undefined) return;
  state.memoryExport = `${PREPARE_MODULE}:memory`;
  state.exports.push({ name: state.memoryExport, kind: "memory", index: 0 });
}
