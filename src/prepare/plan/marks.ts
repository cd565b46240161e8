import type { Code } from "../scan/scan.ts";

/** What is to be done at an event, as bits. */
export const Mark = {
  /** Check the step counter before the instruction. */
  check: 1,
  /** A `br_if` to a loop: check when the branch is taken, so that only this way pays. */
  checkedBranch: 2,
  /** A `loop` with checks at its branches back, short enough to stand `copies` times: only the last one checks. */
  unroll: 4,
  /**
   * A `loop` with checks at its branches back: the call that renews the counter stands outside of it, where it does not
   * keep the engine from treating the loop as a small one.
   */
  split: 8,
  /** Charge a bulk instruction for its length before it runs. */
  chargeBulk: 16,
  /** A `loop` with branches back that have no check of their own, as each way there passes one inside of the loop. */
  relies: 64,
  /** `call $proc_exit` becomes `call $exit` and `return`. */
  quietExit: 32,
  /** `memory.size` and `memory.grow` ask the count of pages that the guest sees (`visible_pages.ts`). */
  visiblePages: 128,
} as const;

/** What is to be done to the code of a module. */
export interface CodePlan {
  /** `Mark` bits for each event. */
  marks: Uint8Array;
  /** For each event with a check, by how much it lowers the counter. */
  weights: Int32Array;
}

/** A plan that changes nothing. */
export function emptyPlan({ events }: Code): CodePlan {
  return { marks: new Uint8Array(events.length), weights: new Int32Array(0) };
}

/**
 * How often the body of a loop stands that is unrolled. A sieve of ten thousand numbers costs 1.4 times what it does without checks
 * when it is four times, 1.2 to 1.3 times when it is eight; the prepared `examples/hello-http` grows from 43 to 49 KB.
 */
export const copies = 8;
