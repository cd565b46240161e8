import { type Timer, unref } from "../../base/timers.ts";

/** Something that may become too late. */
export interface Watched {
  /** Looks at its deadlines. */
  check(nowMs: number): void;
}

/**
 * A clock that moves in ticks and looks at everybody's deadlines at each. A timer for each read and write would cost more
 * than they do; this way a deadline is a number, and met up to two ticks late.
 */
export class Clock implements Disposable {
  readonly watched = new Set<Watched>();
  readonly tickMs: number;
  #nowMs = performance.now();
  readonly #timer: Timer;

  constructor(tickMs: number) {
    this.tickMs = tickMs;
    this.#timer = unref(setInterval(() => {
      this.#nowMs = performance.now();
      for (const each of this.watched) each.check(this.#nowMs);
    }, tickMs));
  }

  /** The time of the last tick. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** A deadline that far from now; 0 is none. */
  in(ms: number): number {
    return ms === 0 ? Infinity : this.#nowMs + ms + this.tickMs;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
