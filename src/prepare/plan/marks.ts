import type { Code } from "../scan/code.ts";

/** Edits at an event, as bits. */
export const Mark = {
  /** Check the step counter before the instruction. */
  check: 1,
  /** A `br_if` to a loop: check when the branch is taken, so that only this way pays. */
  checkedBranch: 2,
  /**
   * A `loop` with checks at its branches back, short enough to stand `copies` times: one checks.
   */
  unroll: 4,
  /**
   * A `loop` with checks at its branches back: the call that renews the counter stands outside it,
   * where it does not keep the engine from optimizing the loop.
   */
  split: 8,
  /** Charge a bulk instruction for its length before it runs. */
  chargeBulk: 16,
  /** Let the host wait in place of the instruction. Shares a bit: no event is a bulk and a wait. */
  hostWait: 16,
  /** `call $proc_exit` becomes `call $exit` and `return`. */
  quietExit: 32,
  /** A `loop` whose branches back need no check: each way there passes one inside the loop. */
  relies: 64,
  /** `memory.size` and `memory.grow` ask for the pages that the guest sees (`visible_pages.ts`). */
  visiblePages: 128,
} as const;

/** The edits of a module's code. */
export interface CodePlan {
  /** `Mark` bits for each event. */
  marks: Uint8Array;
  /** For each event with a check, the number by which it lowers the counter. */
  weights: Int32Array;
}

/** Returns a plan that changes nothing. */
export function emptyPlan({ events }: Code): CodePlan {
  return { marks: new Uint8Array(events.length), weights: new Int32Array(0) };
}

/** Number of times that the body of an unrolled loop stands (bench: `steps`, sieve). */
export const copies = 8;
