import { exitImport, PAGES_EXPORT, refuseReservedNames } from "./contract.ts";
import type { ModuleDescription } from "./format/describe.ts";
import type { Edits } from "./plan/edits.ts";
import { type Layout, readLayout } from "./format/layout.ts";
import { refuseLarger } from "./limit_module.ts";
import { type CodePlan, emptyPlan, Mark } from "./plan/marks.ts";
import { findMemoCalls, type MemoCall } from "./memo/calls.ts";
import { recordCalls } from "./memo/record.ts";
import { type CallMemo, replayCalls } from "./memo/replay.ts";
import { findQuietExits } from "./quiet_exit.ts";
import { UnknownConstruct } from "./format/reader.ts";
import { trackVisiblePages } from "./visible_pages.ts";
import { exportState } from "./resettable_state.ts";
import { rewrite } from "./rewrite/rewrite.ts";
import { type Code, scanCode } from "./scan/scan.ts";
import { addSteps, placeSteps } from "./steps/steps.ts";
import type { ValueType } from "./format/value_types.ts";

export interface PrepareOptions {
  /**
   * Export every mutable global, and memory 0 if it is hidden, under a private prefix so an instance can be put back. The size
   * of a memory that can grow becomes one more of these globals (`visible_pages.ts`).
   */
  exportGlobals?: boolean;
  /**
   * End `_start` without a throw where `proc_exit` is called in its own body: `call $proc_exit` becomes `call $exit; return`, where
   * `exit` is imported from `capsule:prepare`. Left as it is when `_start` is used by anything but one export.
   */
  quietExit?: boolean;
  /** Maximum of a memory in pages of 64 KiB: the lower of this and the module's own is written. */
  maxMemoryPages?: number;
  /** What long calls in `_start` did at an earlier start, so that they need not do it again; or `record`, to learn it. */
  startMemos?: "record" | readonly CallMemo[];
  /** Count steps, and ask the host when a number that it gave has been used up (`steps/steps.ts`). */
  steps?: boolean;
}

export interface PreparedModule {
  kind: "prepared";
  bytes: Uint8Array<ArrayBuffer>;
  /** The module as it was given: without what the preparation imports and exports. */
  module: ModuleDescription;
  /** The mutable globals and the names under which they are exported now. */
  globals: { exportName: string; type: ValueType }[];
  /** A name under which memory 0 is exported, if there is one. */
  memoryExport: string | undefined;
  /** How many calls of `proc_exit` in `_start` were made quiet. The module imports `exit` if there is one. */
  quietExits: number;
  /** How many calls in `_start` can be remembered; with `startMemos: "record"` they tell the host what they do. */
  memoCalls: number;
  /** The name of the step counter, a mutable i32 global, 0 at first; undefined without `steps`, or when nothing can run long. */
  counterExport: string | undefined;
  /** Why an instance cannot be put back to its first state, as sentences; empty when it can. */
  cannotReset: string[];
}

export interface UnpreparedModule {
  kind: "unprepared";
  /** The bytes as they were given. */
  bytes: Uint8Array;
  module: ModuleDescription;
  /** The first thing that is not known: its bytes, its offset from the start of the file, and what it is. */
  unknown: { opcode: string; offset: number; what: string };
}

export type PreparationResult = PreparedModule | UnpreparedModule;

/**
 * Rewrites a module for running under Capsule; pure, it compiles and runs nothing. With no option set the bytes stay as
 * they are. A module with an instruction that is not in the table comes back `unprepared`.
 *
 * Throws `CapsuleError` `LOAD` when the bytes are no module, when the module uses the names that the preparation needs, or when its memory
 * starts above the maximum. What is found wrong is not all that can be wrong: V8 validates when it compiles.
 */
export function prepareModule(bytes: Uint8Array, options: PrepareOptions): PreparationResult {
  return prepareScanned(scanModule(bytes), options);
}

/** A module that was read through, from which it can be prepared more than once. */
export interface ScannedModule {
  readonly layout: Layout;
  /** What is known about the code, or the first thing that is not known. */
  readonly code: Code | UnknownConstruct;
  /** Where the checks go, once that was decided. */
  steps?: CodePlan;
  /** Which calls of `_start` can be remembered, once that was asked. */
  memoCalls?: MemoCall[];
}

/** Reads a module through once. Throws `CapsuleError` `LOAD` as `prepareModule` does. */
export function scanModule(bytes: Uint8Array): ScannedModule {
  const layout = readLayout(bytes);
  refuseReservedNames(layout.description);
  return { layout, code: layout.unknown ?? scanKnown(layout) };
}

function scanKnown(layout: Layout): Code | UnknownConstruct {
  try {
    return scanCode(layout);
  } catch (error) {
    if (error instanceof UnknownConstruct) return error;
    throw error;
  }
}

/** `prepareModule` for a module that was read through. */
export function prepareScanned(scanned: ScannedModule, options: PrepareOptions): PreparationResult {
  const { layout, code } = scanned;
  const { bytes, description } = layout;
  if (options.maxMemoryPages !== undefined) {
    refuseLarger(description.memories, options.maxMemoryPages);
  }
  try {
    if (code instanceof UnknownConstruct) throw code;
    const state = exportState(description, code);
    const plan = options.steps ? stepsOf(scanned, code) : emptyPlan(code);
    const edits: Edits = {
      imports: [],
      functions: [],
      globals: [],
      calls: new Map(),
      exports: options.exportGlobals ? state.exports : [],
      maxMemoryPages: options.maxMemoryPages,
      code: plan,
    };
    const counterExport = addSteps(edits);
    if (options.exportGlobals && trackVisiblePages(edits, layout, code)) {
      state.globals.push({ exportName: PAGES_EXPORT, type: "i32" });
    }
    const exits = options.quietExit ? findQuietExits(layout, code) : [];
    for (const event of exits) plan.marks[event] = (plan.marks[event] ?? 0) | Mark.quietExit;
    if (exits.length > 0) edits.imports.push(exitImport);
    const { startMemos } = options;
    const memoCalls = startMemos ? scanned.memoCalls ??= findMemoCalls(layout, code) : [];
    if (startMemos === "record") recordCalls(edits, layout, code, memoCalls);
    else if (startMemos) replayCalls(edits, layout, { calls: memoCalls, memos: startMemos });
    return {
      kind: "prepared",
      bytes: rewrite(layout, code, edits),
      module: description,
      globals: options.exportGlobals ? state.globals : [],
      memoryExport: options.exportGlobals ? state.memoryExport : undefined,
      quietExits: exits.length,
      memoCalls: memoCalls.length,
      counterExport,
      cannotReset: state.cannotReset,
    };
  } catch (error) {
    if (!(error instanceof UnknownConstruct)) throw error;
    const { opcode, offset, what } = error;
    return { kind: "unprepared", bytes, module: description, unknown: { opcode, offset, what } };
  }
}

/** Where the checks go, decided once; each preparation gets marks of its own, since it adds others. */
function stepsOf(scanned: ScannedModule, code: Code): CodePlan {
  const { marks, weights } = scanned.steps ??= placeSteps(scanned.layout, code);
  return { marks: marks.slice(), weights };
}
