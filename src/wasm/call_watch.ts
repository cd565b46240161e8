import type { Timer } from "../base/timers.ts";
import { type Guest, TimeoutError } from "./guest.ts";

const tickMs = 10;

/** A call that waits, as the watch sees it. */
export interface WatchedCall {
  readonly guest: Guest;
  /** Called once, when the call has lasted longer than two ticks: only then a look at its client is worth its price. */
  readonly onLong?: () => void;
}

/**
 * Stops calls at their deadlines while they wait; a call that computes finds its deadline by its own steps. All calls
 * of a function have the same time-out, so the oldest call is the first to be stopped, and one timer serves all. Calls
 * with neither a deadline nor a client need none.
 */
export class CallWatch {
  readonly #calls = new Set<WatchedCall>();
  readonly #young = new Set<WatchedCall>();
  #timer: Timer | undefined;
  #closed = false;

  /** Whether the call still runs. */
  has(call: WatchedCall): boolean {
    return this.#calls.has(call);
  }

  add(call: WatchedCall): void {
    this.#calls.add(call);
    if (call.onLong) this.#young.add(call);
    if (call.onLong || call.guest.deadlineMs < Infinity) {
      this.#timer ??= setInterval(() => this.#tick(), tickMs);
    }
  }

  remove(call: WatchedCall): void {
    this.#calls.delete(call);
    this.#young.delete(call);
    if (this.#closed && this.#calls.size === 0) this.#sleep();
  }

  /** Ends the timer with the last call. */
  close(): void {
    this.#closed = true;
    if (this.#calls.size === 0) this.#sleep();
  }

  #sleep(): void {
    if (this.#timer !== undefined) clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const { guest } of this.#calls) {
      if (guest.deadlineMs > nowMs) break;
      guest.stop(new TimeoutError(guest.limits.timeoutMs, nowMs - guest.beganMs));
    }
    for (const call of this.#young) {
      if (call.guest.beganMs > nowMs - 2 * tickMs) break;
      this.#young.delete(call);
      call.onLong?.();
    }
    if (this.#calls.size === 0) this.#sleep();
  }
}
