import { LinkedList, type ListNode } from "../base/linked_list.ts";
import type { Timer } from "../base/timers.ts";
import { type Guest, TimeoutError } from "./guest.ts";

const tickMs = 10;

/** A call that waits, as the watch sees it. */
export interface WatchedCall {
  readonly guest: Guest;
  /** Called once, when the call has lasted longer than two ticks: only then a look at its client is worth its price. */
  readonly onLong?: () => void;
  /** The watch's own: where the call stands among all, and among those that have not lasted yet. */
  node?: ListNode<WatchedCall>;
  youngNode?: ListNode<WatchedCall>;
}

/**
 * Stops calls at their deadlines while they wait; a call that computes finds its deadline by its own steps. All calls
 * of a function have the same time-out, so the oldest call is the first to be stopped, and one timer serves all. Calls
 * with neither a deadline nor a client need none.
 */
export class CallWatch {
  readonly #calls = new LinkedList<WatchedCall>();
  readonly #young = new LinkedList<WatchedCall>();
  #timer: Timer | undefined;
  #closed = false;

  /** Whether the call still runs. */
  has({ node }: WatchedCall): boolean {
    return node?.isLinked ?? false;
  }

  add(call: WatchedCall): void {
    call.node = this.#calls.append(call);
    if (call.onLong) call.youngNode = this.#young.append(call);
    if (call.onLong || call.guest.limits.timeoutMs > 0) {
      this.#timer ??= setInterval(() => this.#tick(), tickMs);
    }
  }

  remove({ node, youngNode }: WatchedCall): void {
    if (node) this.#calls.remove(node);
    if (youngNode) this.#young.remove(youngNode);
    if (this.#closed && this.#calls.length === 0) this.#sleep();
  }

  /** Ends the timer with the last call. */
  close(): void {
    this.#closed = true;
    if (this.#calls.length === 0) this.#sleep();
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
      if (call.youngNode) this.#young.remove(call.youngNode);
      call.onLong?.();
    }
    if (this.#calls.length === 0) this.#sleep();
  }
}
