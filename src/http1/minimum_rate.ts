import type { TickClock } from "./tick_clock.ts";

/** The minimum transfer rate of a body. */
const bytesPerMs = 0.5;

/**
 * Enforces a minimum transfer rate on a sender, as Apache's `mod_reqtimeout` does with `MinRate`:
 * waiting uses up an allowance, and received bytes restore it. A body may pause, and a large one
 * may take long, but a byte now and then does not hold a connection. Time that the receiver takes
 * is not counted.
 */
export class MinimumRate {
  readonly #clock: TickClock;
  readonly #allowanceMs: number;
  #leftMs: number;
  #sinceMs = 0;

  /** @param allowanceMs the longest pause; 0 for no limit. */
  constructor(clock: TickClock, allowanceMs: number) {
    this.#clock = clock;
    this.#allowanceMs = this.#leftMs = allowanceMs;
  }

  /** Returns the deadline of a read that starts now. */
  deadline(): number {
    this.#sinceMs = this.#clock.nowMs;
    return this.#allowanceMs === 0
      ? Infinity
      : this.#sinceMs + Math.max(0, this.#leftMs) + this.#clock.tickMs;
  }

  /** Counts the bytes of the read that the last `deadline` was for. */
  received(bytes: number): void {
    const waited = this.#clock.nowMs - this.#sinceMs;
    this.#leftMs = Math.min(this.#allowanceMs, this.#leftMs - waited + bytes / bytesPerMs);
  }
}
