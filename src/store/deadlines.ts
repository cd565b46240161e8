import { CapsuleError } from "../base/errors.ts";
import { LinkedList } from "../base/linked_list.ts";
import { type Timer, unref } from "../base/timers.ts";
import type { CallLimit } from "./services.ts";

/** A pending call to a service. Check `over` before each step that cannot be undone. */
export interface ServiceCall {
  /** True once the caller has its result or error. */
  readonly over: boolean;
}

interface Pending extends ServiceCall {
  over: boolean;
  readonly endsAt: number;
  expire(): void;
}

/**
 * Ends calls at their limits, with one timer for all of them.
 *
 * Hot path: no timer per call (bench: `store`).
 */
export class Deadlines {
  readonly #pending = new LinkedList<Pending>();
  #timer: Timer | undefined;
  #timerAt = Infinity;

  /**
   * Runs `work` and settles with it, or earlier: at the limit, or when the caller leaves.
   *
   * @param late returns the message of the timeout.
   * @throws CapsuleError `TIMEOUT`; the reason for which the caller left.
   */
  run<T>(
    limit: CallLimit,
    late: () => string,
    work: (call: ServiceCall) => Promise<T>,
  ): Promise<T> {
    return this.begin<T>(limit, late, (call, resolve, reject) => work(call).then(resolve, reject));
  }

  /**
   * Runs `work` as `run` does, for work that calls `resolve` or `reject`, or throws synchronously.
   *
   * Hot path: no intermediate promises (bench: `store`).
   */
  begin<T>(
    { caller, timeoutMs, nowMs = performance.now() }: CallLimit,
    late: () => string,
    work: (
      call: ServiceCall,
      resolve: (value: T) => void,
      reject: (reason: unknown) => void,
    ) => void,
  ): Promise<T> {
    if (caller?.hasLeft) return Promise.reject(caller.reason);
    return new Promise<T>((resolve, reject) => {
      const finish = () => {
        pending.over = true;
        this.#pending.remove(node);
        if (caller) caller.onLeft = undefined;
      };
      const fail = (reason: unknown) => {
        finish();
        reject(reason);
      };
      const pending: Pending = {
        over: false,
        endsAt: nowMs + timeoutMs,
        expire: () => fail(new CapsuleError("TIMEOUT", late())),
      };
      if (caller) caller.onLeft = fail;
      const node = this.#pending.append(pending);
      this.#arm(pending.endsAt);
      try {
        work(pending, (value) => {
          finish();
          resolve(value);
        }, fail);
      } catch (error) {
        fail(error);
      }
    });
  }

  /** Stops the timer. Pending calls are no longer ended at their limits. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timerAt = Infinity;
  }

  #arm(at: number): void {
    if (at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#expire(), Math.max(0, at - performance.now()));
    // The pending work keeps the process alive; a deadline alone must not.
    unref(this.#timer);
  }

  #expire(): void {
    this.#timerAt = Infinity;
    const now = performance.now();
    let next = Infinity;
    for (const pending of this.#pending) {
      if (pending.endsAt <= now) pending.expire();
      else next = Math.min(next, pending.endsAt);
    }
    if (next < Infinity) this.#arm(next);
  }
}
