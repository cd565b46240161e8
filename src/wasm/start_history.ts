import type { MemorySnapshot } from "./memory_snapshot.ts";

/** Memory and globals of an instance at one moment. */
export interface Snapshot {
  readonly memory: MemorySnapshot;
  readonly globals: readonly unknown[];
}

/**
 * The way in which `_start` of a module is run: synchronously, after `slowInARow` starts in a row
 * that exceeded a slice, or through `promising`, which costs every call more.
 */
export type StartMode =
  | { readonly kind: "synchronous"; readonly slowInARow: number }
  | { readonly kind: "awaitable" };

/** Outcome of one synchronous start. */
export type StartOutcome = "returned" | "slow" | "must wait";

/**
 * Facts about a module's `_start` from earlier starts. Shared by all its instances. Plain data: it
 * is posted to the other threads that serve the module.
 */
export interface StartHistory {
  mode: StartMode;
  /** The state before `_start`, taken from the first instance. */
  beforeStart: Snapshot | undefined;
  /** The state after it, if `_start` was found to be repeatable. */
  afterStart: Snapshot | undefined;
}

/**
 * This many slow starts in a row are treated as systematic, not as noise: the first one of a
 * process still waits for the compiler.
 */
const maxSlowInARow = 3;

const synchronous: StartMode = { kind: "synchronous", slowInARow: 0 };
const awaitable: StartMode = { kind: "awaitable" };

/** Returns the history of a module that was never started. */
export function noStarts(): StartHistory {
  return { mode: synchronous, beforeStart: undefined, afterStart: undefined };
}

/** Returns the mode of the next start. */
export function nextStartMode(mode: StartMode, outcome: StartOutcome): StartMode {
  if (mode.kind === "awaitable" || outcome === "must wait") return awaitable;
  if (outcome === "returned") return synchronous;
  const slowInARow = mode.slowInARow + 1;
  return slowInARow < maxSlowInARow ? { kind: "synchronous", slowInARow } : awaitable;
}
