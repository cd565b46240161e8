import { exitImport, PAGES_EXPORT, refuseReservedNames } from "./contract.ts";
import type { ModuleDescription } from "./format/describe.ts";
import { type Layout, readLayout } from "./format/layout.ts";
import { UnknownConstruct } from "./format/reader.ts";
import type { ValueType } from "./format/value_types.ts";
import { findMemoCalls, type MemoCall } from "./memo/calls.ts";
import { recordCalls } from "./memo/record.ts";
import { type CallMemo, replayCalls } from "./memo/replay.ts";
import type { Edits } from "./plan/edits.ts";
import { type CodePlan, emptyPlan, Mark } from "./plan/marks.ts";
import { findQuietExits } from "./quiet_exit.ts";
import { exportState } from "./resettable_state.ts";
import { rewrite } from "./rewrite/rewrite.ts";
import type { Ints } from "./format/ints.ts";
import { Kind } from "./scan/events.ts";
import type { Code } from "./scan/code.ts";
import { scanCode } from "./scan/scan.ts";
import { addSteps, placeSteps } from "./steps/steps.ts";
import { countSharedGrowth, trackSharedPages, trackVisiblePages } from "./visible_pages.ts";

/** Options of `prepareModule`. */
export interface PrepareOptions {
  /**
   * Export every mutable global, and memory 0 if it is hidden, under a private prefix, so that an
   * instance can be reset. The size of a memory that can grow becomes such a global, too
   * (`visible_pages.ts`).
   */
  exportGlobals?: boolean;
  /** Ask the host, by the import `grow`, before the first memory grows. */
  countGrowth?: boolean;
  /**
   * End `_start` without a throw where it calls `proc_exit` itself: `call $proc_exit` becomes
   * `call $exit; return`, with `exit` imported from `capsule:prepare`. Not done when anything but
   * one export uses `_start`.
   */
  quietExit?: boolean;
  /** Effects of long calls in `_start`, to replay; or `record`, to learn them. */
  startMemos?: "record" | readonly CallMemo[];
  /** Meter steps, and call the host when its budget has been used up (`steps/steps.ts`). */
  steps?: boolean;
  /**
   * Set for a module of a component. The state that it imports belongs to other modules, which are
   * reset with it. `several` modules have memories or share one: then no module can hide its
   * memory's size from the others. With `shared` all of them share one, and the host hides it.
   */
  component?: { memory: "own" | "shared" | "several" };
  /** Receives the spans of code that are copied, for a source map; see `Edits.spans`. */
  spans?: Ints;
}

/** A prepared module. */
export interface PreparedModule {
  kind: "prepared";
  bytes: Uint8Array<ArrayBuffer>;
  /** The module before the preparation. */
  module: ModuleDescription;
  /**
   * The mutable globals and the names under which they are exported now; those of floating-point
   * numbers through accessors (`accessorNames`).
   */
  globals: { exportName: string; type: ValueType }[];
  /** A name under which memory 0 is exported, if there is one. */
  memoryExport: string | undefined;
  /** Number of quiet calls of `proc_exit`. The module imports `exit` if it is not 0. */
  quietExits: number;
  /** Number of calls in `_start` that have memos, or that are recorded. */
  memoCalls: number;
  /** Export of the step counter; undefined without `steps`, or when the module cannot run long. */
  counterExport: string | undefined;
  /** The way in which memories grow: not at all, after asking the host by `grow`, or freely. */
  growth: "none" | "counted" | "uncounted";
  /** Reasons why a reset would not restore everything, as sentences; empty when it does. */
  cannotReset: string[];
}

/** A module that cannot be prepared. */
export interface UnpreparedModule {
  kind: "unprepared";
  /** The bytes as they were passed. */
  bytes: Uint8Array;
  module: ModuleDescription;
  /** The first unknown construct: its opcode, its offset from the start of the file, its name. */
  unknown: Pick<UnknownConstruct, "opcode" | "offset" | "what">;
}

/** The result of `prepareModule`. */
export type PreparationResult = PreparedModule | UnpreparedModule;

/**
 * Rewrites a module for running under Capsule. Pure: compiles and runs nothing. Without any option
 * the bytes stay as they are; a module with an unknown construct comes back `unprepared`.
 *
 * Throws `CapsuleError` `LOAD` when the bytes are not a module, or when the module uses names of
 * the launcher. V8 finds whatever else is invalid when it compiles the result.
 */
export function prepareModule(bytes: Uint8Array, options: PrepareOptions): PreparationResult {
  return prepareScanned(scanModule(bytes), options);
}

/** A module that was read, from which it can be prepared several times. */
export interface ScannedModule {
  readonly layout: Layout;
  /** The code, or the first unknown construct of the module. */
  readonly code: Code | UnknownConstruct;
  /** The checks, once they were placed. */
  steps?: CodePlan;
  /** The calls of `_start` that can have memos, once they were looked for. */
  memoCalls?: MemoCall[];
}

/** Reads a module. Throws `CapsuleError` `LOAD` as `prepareModule` does. */
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

/** Prepares a module that was read; see `prepareModule`. */
export function prepareScanned(scanned: ScannedModule, options: PrepareOptions): PreparationResult {
  const { layout, code } = scanned;
  try {
    if (code instanceof UnknownConstruct) throw code;
    return prepareKnown(scanned, code, options);
  } catch (error) {
    if (!(error instanceof UnknownConstruct)) throw error;
    const { opcode, offset, what } = error;
    return {
      kind: "unprepared",
      bytes: layout.bytes,
      module: layout.description,
      unknown: { opcode, offset, what },
    };
  }
}

function prepareKnown(
  scanned: ScannedModule,
  code: Code,
  options: PrepareOptions,
): PreparedModule {
  const { layout } = scanned;
  const { component } = options;
  const state = exportState(layout, code, { importsAreReset: component !== undefined });
  const plan = options.steps ? stepsOf(scanned, code) : emptyPlan(code);
  const edits: Edits = {
    imports: [],
    functions: options.exportGlobals ? state.accessors : [],
    globals: [],
    calls: new Map(),
    exports: options.exportGlobals ? state.exports : [],
    code: plan,
    spans: options.spans,
  };
  const counterExport = addSteps(edits, code);
  const { countGrowth = false, exportGlobals = false } = options;
  const { memory = "own" } = component ?? {};
  const hides = exportGlobals || countGrowth;
  const isTracked = hides && memory === "own" &&
    trackVisiblePages(edits, layout, code, countGrowth);
  const isShared = hides && memory === "shared" && trackSharedPages(edits, code, countGrowth);
  const isCounted = countGrowth &&
    (isTracked || isShared || memory === "several" && countSharedGrowth(edits, layout, code));
  if (isTracked && exportGlobals) state.globals.push({ exportName: PAGES_EXPORT, type: "i32" });
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
    module: layout.description,
    globals: options.exportGlobals ? state.globals : [],
    memoryExport: options.exportGlobals ? state.memoryExport : undefined,
    quietExits: exits.length,
    memoCalls: memoCalls.length,
    counterExport,
    growth: !canGrow(layout, code) ? "none" : isCounted ? "counted" : "uncounted",
    cannotReset: state.cannotReset,
  };
}

/** Reports whether code of the module can grow a memory; only growth of the first is an event. */
function canGrow({ description }: Layout, { events }: Code): boolean {
  return description.memories.length > 1 ||
    events.kinds.subarray(0, events.length).includes(Kind.memoryGrow);
}

/** Returns the plan of the checks, placed once; each preparation adds marks to a copy. */
function stepsOf(scanned: ScannedModule, code: Code): CodePlan {
  const { marks, weights } = scanned.steps ??= placeSteps(scanned.layout, code);
  return { marks: marks.slice(), weights };
}
