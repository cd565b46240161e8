import type { GuestMemory } from "../wasm/memory.ts";
import type { Descriptors } from "./descriptors.ts";
import type { StandardInput, WasiInput } from "./streams.ts";

/** State that the functions of one guest share. */
export interface WasiState {
  readonly memory: GuestMemory;
  readonly descriptors: Descriptors;
  readonly stdin: WasiInput;
  /** Reader of `stdin`, made by `standardInput` on first use. */
  input: StandardInput | undefined;
  /** Replaces the clocks of this process. */
  readonly clock: WasiClock | undefined;
  /** Replaces `crypto.getRandomValues`. */
  readonly random: ((bytes: Uint8Array<ArrayBuffer>) => void) | undefined;
  /** Called before each function. */
  readonly onCall: () => void;
  /** Throws past the deadline. Call it in loops whose length the guest chooses. */
  readonly assertInTime: () => void;
  /** Calls so far whose result may differ between runs, or that have a side effect. */
  nondeterministicCalls: number;
  /** Cancels the work of calls that wait, such as timers. */
  readonly pending: Set<() => void>;
}

/** The two clocks of a guest, in nanoseconds. */
export interface WasiClock {
  /** Returns the time since 1970. */
  realtimeNs(): bigint;
  /** Returns the time since an arbitrary moment; it never decreases. */
  monotonicNs(): bigint;
}

/**
 * A function as a guest imports it: an `i32` is a signed number, an `i64` a signed bigint. Returns
 * an error number.
 */
export type WasiFunction = (...parameters: never[]) => number | Promise<number>;
