import type { ModuleDescription } from "./format/describe.ts";
import type { Edits } from "./plan/edits.ts";
import { hex } from "./format/reader.ts";
import { PREPARE_MODULE } from "./contract.ts";
import type { Code } from "./scan/scan.ts";
import type { ValueType } from "./format/value_types.ts";

/** What of a module's state can be put back, how it is reached, and what stands in the way. */
export interface ResettableState {
  globals: { exportName: string; type: ValueType }[];
  memoryExport: string | undefined;
  /** Exports to add for that. */
  exports: Edits["exports"];
  cannotReset: string[];
}

/** The state of an instance is its memories, mutable globals, tables, and which segments are dropped. */
export function exportState(description: ModuleDescription, code: Code): ResettableState {
  const state: ResettableState = {
    globals: [],
    memoryExport: undefined,
    exports: [],
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
  for (const item of description.imports) {
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

function exportGlobals({ imports, globals }: ModuleDescription, state: ResettableState): void {
  let index = 0;
  for (const { kind } of imports) if (kind === "global") index++;
  for (; index < globals.length; index++) {
    const { type, mutable } = globals[index] ?? { type: "unknown", mutable: false };
    if (!mutable) continue;
    if (type === "v128" || type === "exnref") {
      state.cannotReset.push(
        `Its mutable global ${index} has type ${type}, which JavaScript cannot read.`,
      );
      continue;
    }
    const exportName = `${PREPARE_MODULE}:global:${index}`;
    state.globals.push({ exportName, type });
    state.exports.push({ name: exportName, kind: "global", index });
  }
}

function exportMemory({ memories, exports }: ModuleDescription, state: ResettableState): void {
  if (memories.length > 1) state.cannotReset.push(`It has ${memories.length} memories.`);
  if (memories.length === 0) return;
  for (const { kind, index, name } of exports) {
    if (kind === "memory" && index === 0) state.memoryExport ??= name;
  }
  if (state.memoryExport !== undefined) return;
  state.memoryExport = `${PREPARE_MODULE}:memory`;
  state.exports.push({ name: state.memoryExport, kind: "memory", index: 0 });
}
