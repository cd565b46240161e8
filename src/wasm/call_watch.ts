import type { CapsuleError } from "../base/errors.ts";
import { LinkedList, type ListNode } from "../base/linked_list.ts";
import type { Timer } from "../base/timers.ts";
import type { Guest } from "./guest.ts";
import { TimeoutError } from "./limit_errors.ts";

const tickMs = 10;

/** A call that may wait. */
export interface WatchedCall {
  readonly guest: Guest;
  /** Called once, when the call has lasted longer than two ticks. */
  readonly onLong?: () => void;
  /** Set by the watch: the call's node among all calls, and among those that are young. */
  node?: ListNode<WatchedCall>;
  youngNode?: ListNode<WatchedCall>;
}

/**
 * Stops waiting calls at their deadlines; a computing guest finds its deadline by step metering.
 *
 * All calls of a function have the same timeout, so calls in order of arrival are also in order of
 * deadline, and one timer serves all. It runs only while a call has a deadline or a client.
 */
export class CallWatch {
  readonly #calls = new LinkedList<WatchedCall>();
  readonly #young = new LinkedList<WatchedCall>();
  #timer: Timer | undefined;
  #isClosed = false;

  /**
   * Returns a call to watch.
   *
   * @param onLong called when the call takes long, with a function that stops it.
   */
  callOf(guest: Guest, onLong?: (stop: (reason: CapsuleError) => void) => void): WatchedCall {
    const stop = (reason: CapsuleError) => {
      if (this.has(watched)) guest.stop(reason); // else it serves another call already
    };
    const watched: WatchedCall = { guest, onLong: onLong && (() => onLong(stop)) };
    return watched;
  }

  /** Reports whether the call has been added and not yet removed. */
  has({ node }: WatchedCall): boolean {
    return node?.isLinked ?? false;
  }

  /** Watches a call until it is removed. */
  add(call: WatchedCall): void {
    call.node = this.#calls.append(call);
    if (call.onLong) call.youngNode = this.#young.append(call);
    if (call.onLong || call.guest.limits.timeoutMs > 0) {
      this.#timer ??= setInterval(() => this.#tick(), tickMs);
    }
  }

  /** Ends the watch of a call. */
  remove({ node, youngNode }: WatchedCall): void {
    if (node) this.#calls.remove(node);
    if (youngNode) this.#young.remove(youngNode);
    if (this.#isClosed && this.#calls.length === 0) this.#stopTimer();
  }

  /** Ends the timer as soon as no call is left. */
  close(): void {
    this.#isClosed = true;
    if (this.#calls.length === 0) this.#stopTimer();
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const { guest } of this.#calls) {
      const { beganMs, deadlineMs, limits } = guest.clock;
      if (deadlineMs > nowMs) break;
      guest.stop(new TimeoutError(limits.timeoutMs, nowMs - beganMs));
    }
    for (const call of this.#young) {
      if (call.guest.clock.beganMs > nowMs - 2 * tickMs) break;
      if (call.youngNode) this.#young.remove(call.youngNode);
      call.onLong?.();
    }
    if (this.#calls.length === 0) this.#stopTimer();
  }
}
