import type { GuestMemory } from "../wasm/memory.ts";
import type { WasiClock } from "./clock.ts";
import type { Descriptors } from "./descriptors.ts";
import type { StandardInput, WasiInput } from "./streams.ts";

/** What the functions of one guest share. */
export interface State {
  readonly memory: GuestMemory;
  readonly descriptors: Descriptors;
  readonly stdin: WasiInput;
  /** What reads it, once it was asked for: `standardInput` makes it. */
  input: StandardInput | undefined;
  /** Instead of the clocks of this process. */
  readonly clock: WasiClock | undefined;
  readonly random: ((bytes: Uint8Array<ArrayBuffer>) => void) | undefined;
  /** Told of each call before it is made. */
  readonly onCall: () => void;
  /** Calls so far whose answer may differ from run to run, or whose effect another run must have too. */
  nondeterministicCalls: number;
  /** Ends what a call that waits has under way, a timer for example. */
  pending: Set<() => void>;
}

/** A function as a guest imports it: numbers are 32 bits and signed, bigints 64. Answers an error number. */
export type WasiFunction = (...parameters: never[]) => number | Promise<number>;
