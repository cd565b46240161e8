import type { Clock } from "../http1/clock.ts";

/** What bytes buy: a body slower than this ends the patience with it. */
const bytesPerMs = 0.5;

/**
 * Patience with a slow sender: waiting uses it up, bytes that come give it back. So a body may pause, and a large one may take its time,
 * but nobody holds a connection for ever with a byte now and then. Only waiting for the sender counts, not for whoever takes the bytes.
 */
export class Patience {
  readonly #clock: Clock;
  readonly #wholeMs: number;
  #leftMs: number;
  #sinceMs = 0;

  constructor(clock: Clock, wholeMs: number) {
    this.#clock = clock;
    this.#wholeMs = this.#leftMs = wholeMs;
  }

  /** The deadline for the next bytes. */
  readBy(): number {
    this.#sinceMs = this.#clock.nowMs;
    return this.#wholeMs === 0
      ? Infinity
      : this.#sinceMs + Math.max(0, this.#leftMs) + this.#clock.tickMs;
  }

  /** So many have come. */
  got(bytes: number): void {
    const waited = this.#clock.nowMs - this.#sinceMs;
    this.#leftMs = Math.min(this.#wholeMs, this.#leftMs - waited + bytes / bytesPerMs);
  }
}
