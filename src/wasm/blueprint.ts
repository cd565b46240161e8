import type { PrepareOptions } from "../prepare/prepare.ts";
import type { MemorySnapshot } from "./memory_snapshot.ts";

/** All that the instances of a module share. */
export interface Blueprint {
  readonly module: WebAssembly.Module;
  readonly kind: ModuleKind;
  /** Names of the exports with the mutable globals, except for the step counter. */
  readonly globalExports: readonly string[];
  /** Name of the export with the step counter, if there is one. */
  readonly counterExport: string | undefined;
  readonly isolation: Isolation;
  readonly memory: MemoryNeeds;
  readonly source: ModuleSource;
  readonly starts: StartHistory;
}

/**
 * The module as it was built, to translate offsets for the user. `shifted`: its code lies `by`
 * bytes further in the module that runs. `rewritten`: so it does before it is prepared.
 */
export type ModuleSource =
  | { readonly kind: "unknown" }
  | { readonly kind: "shifted"; readonly by: number }
  | {
    readonly kind: "rewritten";
    readonly by: number;
    readonly bytes: Uint8Array<ArrayBuffer>;
    readonly options: PrepareOptions;
  };

/** Memory that each instance of a module needs. */
export interface MemoryNeeds {
  /** Bytes when an instance is made, with the maximum of everything whose growth is not counted. */
  readonly initialBytes: number;
  /** Bytes of `initialBytes` in addition to the first memory's. */
  readonly fixedBytes: number;
  /** True if the module can allocate on V8's heap. */
  readonly usesHeap: boolean;
}

/**
 * A `function` is started once (`_start` or `_initialize`), and then its handler is called. A
 * `command` is a program: its `_start` is the call, and the instance ends with it.
 */
export type ModuleKind = "function" | "command";

/**
 * State that a call finds from earlier calls. `reset`: none, the instance is restored after each
 * call. `new instance`: none, each call has a new instance, as the module cannot be restored.
 * `reuse`: all of it, on request.
 */
export type Isolation = "reset" | "new instance" | "reuse";

/** Returns the blueprint of a module that was never started. */
export function createBlueprint(parts: Omit<Blueprint, "starts">): Blueprint {
  return { ...parts, starts: noStarts() };
}

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
