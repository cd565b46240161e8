import { CapsuleError } from "../base/errors.ts";

/** A call, or the guest's allocator in it, exceeded its time limit. */
export class TimeoutError extends CapsuleError {
  readonly limitMs: number;
  readonly elapsedMs: number;

  /** @param rule what sets the limit. */
  constructor(limitMs: number, elapsedMs: number, rule = "'-timeout' allows") {
    const elapsed = Math.round(elapsedMs);
    super("TIMEOUT", `the function was stopped after ${elapsed} ms: ${rule} ${limitMs} ms`);
    this.limitMs = limitMs;
    this.elapsedMs = elapsed;
  }
}

/** A guest was stopped as V8's heap is nearly full. */
export class HeapFullError extends CapsuleError {
  constructor() {
    super("MEMORY", "the function was stopped as exceptions and objects of guests fill V8's heap");
  }
}
