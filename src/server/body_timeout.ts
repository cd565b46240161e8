import { HttpError } from "./http_error.ts";

/** Minimum transfer rate of a body; that of the reverse proxy. */
const bytesPerMs = 0.5;
/** Longest pause of a client in its body; that of the reverse proxy. */
export const bodyAllowanceMs = 30_000;

/** Timeouts of reads that are pending. */
const pending = new Set<BodyTimeout>();

/** Fails the reads that are too late. A server calls it regularly, so that a read needs no timer. */
export function checkBodyTimeouts(): void {
  if (pending.size === 0) return;
  const nowMs = performance.now();
  for (const timeout of pending) timeout.check(nowMs);
}

/**
 * Enforces a minimum transfer rate on a request body: waiting for bytes uses up an allowance, and
 * received bytes restore it, so that a large body may take long, but a byte now and then does not
 * hold a connection.
 */
export class BodyTimeout {
  readonly #allowanceMs: number;
  #leftMs: number;
  #sinceMs = 0;
  #fail: (error: HttpError) => void = () => {};

  /** @param length bytes that one read receives as a whole, without any progress to see before. */
  constructor(allowanceMs = bodyAllowanceMs, length = 0) {
    this.#allowanceMs = this.#leftMs = allowanceMs + length / bytesPerMs;
  }

  /**
   * Waits for a read. When it is late, it must be left pending: Deno then closes the connection
   * after the response, and otherwise waits for the rest of the body.
   *
   * @throws HttpError 408 `BODY_TIMEOUT`; what the read rejects with.
   */
  read<T>(reading: Promise<T>, lengthOf: (value: T) => number): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#sinceMs = performance.now();
      this.#fail = reject;
      pending.add(this);
      reading.then((value) => {
        pending.delete(this);
        const leftMs = this.#leftMs - (performance.now() - this.#sinceMs);
        this.#leftMs = Math.min(this.#allowanceMs, leftMs + lengthOf(value) / bytesPerMs);
        resolve(value);
      }, (error) => {
        pending.delete(this);
        reject(error);
      });
    });
  }

  check(nowMs: number): void {
    if (nowMs - this.#sinceMs < this.#leftMs) return;
    pending.delete(this);
    this.#fail(new HttpError(408, "BODY_TIMEOUT", "the request's body did not arrive in time"));
  }
}
