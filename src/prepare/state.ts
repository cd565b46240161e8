import type { ModuleDescription } from "./format/describe.ts";
import type { Edits } from "./rewrite/edits.ts";
import { hex } from "./format/reader.ts";
import { PREPARE_MODULE } from "./contract.ts";
import type { Code } from "./scan/scan.ts";
import type { ValueType } from "./format/value_types.ts";

/** What of a module's state can be put back, how it is reached, and what stands in the way. */
export interface State {
  globals: { exportName: string; type: ValueType }[];
  memoryExport: string | undefined;
  /** Exports to add for that. */
  exports: Edits["exports"];
  cannotReset: string[];
}

/** The state of an instance is its memories, mutable globals, tables, and which segments are dropped. */
export function exportState(description: ModuleDescription, code: Code): State {
  const state: State = { globals: [], memoryExport: undefined, exports: [], cannotReset: [] };
  exportGlobals(description, state);
  exportMemory(description, state);
  const { tableWrite, segmentDrop } = code;
  const complain = (sentence: string) => state.cannotReset.push(sentence);
  if (tableWrite) {
    complain(`Its code writes to a table (${tableWrite.instruction} at offset ${hex(tableWrite.offset)}).`);
  }
  if (segmentDrop) {
    complain(`Its code drops a segment (${segmentDrop.instruction} at offset ${hex(segmentDrop.offset)}).`);
  }
  for (const item of description.imports) {
    const isState = item.kind === "memory" || item.kind === "table" || item.kind === "global" && item.mutable;
    if (isState) {
      complain(`It imports the ${item.kind} '${item.module}.${item.name}', which others may change.`);
    }
  }
  return state;
}

function exportGlobals({ imports, globals }: ModuleDescription, state: State): void {
  const imported = imports.filter(({ kind }) => kind === "global").length;
  globals.forEach(({ type, mutable }, index) => {
    if (!mutable || index < imported) return;
    if (type === "v128" || type === "exnref") {
      state.cannotReset.push(`Its mutable global ${index} has type ${type}, which JavaScript cannot read.`);
      return;
    }
    const exportName = `${PREPARE_MODULE}:global:${index}`;
    state.globals.push({ exportName, type });
    state.exports.push({ name: exportName, kind: "global", index });
  });
}

function exportMemory({ memories, exports }: ModuleDescription, state: State): void {
  if (memories.length > 1) state.cannotReset.push(`It has ${memories.length} memories.`);
  if (memories.length === 0) return;
  const own = exports.find(({ kind, index }) => kind === "memory" && index === 0);
  state.memoryExport = own?.name ?? `${PREPARE_MODULE}:memory`;
  if (!own) state.exports.push({ name: state.memoryExport, kind: "memory", index: 0 });
}
