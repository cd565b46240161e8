import type { Call } from "./deadlines.ts";

interface Job {
  readonly call: Call;
  /** False while the file is busy. Never throws. */
  attempt(): boolean;
  fail(reason: Error): void;
}

/** How long one turn of the event loop may go on working off what waited. */
const turnMs = 5;
const longestDelayMs = 16;

/**
 * The writes of one thread, in order. A write is done at once when nobody waits; when another process holds the file, it
 * and those behind it wait without holding the thread, and are tried again after 1, 2, 4, … 16 ms, each by chance up to half
 * as long or half as long again, so that two processes do not keep step.
 */
export class WriteQueue {
  readonly #jobs: Job[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #delayMs = 0;

  /**
   * @param write returns its result, throws its failure, or returns `busy` to be called again.
   */
  run<T>(call: Call, write: () => T | typeof busy): Promise<T> {
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

  /** Stops trying; those who wait are told the reason. */
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
      if (performance.now() - startedAt > turnMs) break;
    }
    if (this.#jobs.length > 0) this.#timer = setTimeout(() => this.#drain(), this.#nextDelayMs());
  }

  #nextDelayMs(): number {
    this.#delayMs = Math.min(longestDelayMs, this.#delayMs * 2 || 1);
    return this.#delayMs * (0.5 + Math.random());
  }
}

/** What a write returns that met a busy file. */
export const busy: unique symbol = Symbol("busy");
