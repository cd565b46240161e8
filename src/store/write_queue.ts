import type { ServiceCall } from "./deadlines.ts";

interface Job {
  readonly call: ServiceCall;
  /** Returns false while the file is busy. Never throws. */
  attempt(): boolean;
  fail(reason: Error): void;
}

/** The longest batch of queued writes per event-loop turn, in milliseconds. */
const batchMs = 5;
const maxDelayMs = 16;

/**
 * The writes of one thread, in order. A write runs immediately if the queue is empty. While
 * another process holds the file, writes queue without blocking the thread and are retried with
 * exponential backoff, 1 to 16 ms, ±50 % jitter.
 */
export class WriteQueue {
  readonly #jobs: Job[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #delayMs = 0;

  /**
   * Runs a write, or queues it.
   *
   * @param write returns its result, throws its failure, or returns `busy` to be retried.
   */
  run<T>(call: ServiceCall, write: () => T | typeof busy): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const attempt = () => {
        try {
          const result = write();
          if (result === busy) return false;
          resolve(result);
        } catch (error) {
          reject(error);
        }
        return true;
      };
      if (this.#jobs.length === 0 && attempt()) return;
      this.#jobs.push({ call, attempt, fail: reject });
      this.#timer ??= setTimeout(() => this.#drain(), this.#nextDelayMs());
    });
  }

  /** Stops retrying and rejects the queued writes with the reason. */
  close(reason: Error): void {
    clearTimeout(this.#timer);
    for (const job of this.#jobs.splice(0)) job.fail(reason);
  }

  #drain(): void {
    this.#timer = undefined;
    const startedAt = performance.now();
    for (let job = this.#jobs[0]; job; job = this.#jobs[0]) {
      if (!job.call.over && !job.attempt()) break;
      this.#delayMs = 0;
      this.#jobs.shift();
      if (performance.now() - startedAt > batchMs) break;
    }
    if (this.#jobs.length > 0) this.#timer = setTimeout(() => this.#drain(), this.#nextDelayMs());
  }

  #nextDelayMs(): number {
    this.#delayMs = Math.min(maxDelayMs, this.#delayMs * 2 || 1);
    return this.#delayMs * (0.5 + Math.random());
  }
}

/** The result of a write that met a busy file. */
export const busy: unique symbol = Symbol("busy");
