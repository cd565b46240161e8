import { CapsuleError } from "../base/errors.ts";

/** A call exceeded its deadline. */
export class TimeoutError extends CapsuleError {
  readonly limitMs: number;
  readonly elapsedMs: number;

  constructor(limitMs: number, elapsedMs: number) {
    const elapsed = Math.round(elapsedMs);
    super(
      "TIMEOUT",
      `the function was stopped after ${elapsed} ms: '-timeout' allows ${limitMs} ms`,
    );
    this.limitMs = limitMs;
    this.elapsedMs = elapsed;
  }
}
