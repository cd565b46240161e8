import { HttpError } from "./http_error.ts";

/** Minimum transfer rate of a body; that of the reverse proxy. */
const bytesPerMs = 0.5;
/** Longest pause of a client in its body; that of the reverse proxy. */
const bodyAllowanceMs = 30_000;

/** A read that waits for the client. */
interface PendingRead {
  /** The time of the check that first saw it. Hot path: no clock is read (bench: `throughput`). */
  sinceMs: number | undefined;
  readonly leftMs: number;
  /** Rejects the read; `undefined` once it is over, so that nothing is kept alive. */
  fail: ((error: HttpError) => void) | undefined;
}

/** Reads that are pending, and some that are over: an array is cheaper than a set. */
let pending: PendingRead[] = [];
let maxLength = 256;

function add(read: PendingRead): void {
  if (pending.push(read) < maxLength) return;
  pending = pending.filter(({ fail }) => fail);
  maxLength = Math.max(256, 2 * pending.length);
}

/**
 * Fails the reads that are too late. A server calls it regularly, so that a read needs no timer.
 */
export function checkBodyTimeouts(): void {
  if (pending.length === 0) return;
  pending = pending.filter(({ fail }) => fail);
  const nowMs = performance.now();
  for (const read of pending) {
    read.sinceMs ??= nowMs;
    if (nowMs - read.sinceMs < read.leftMs) continue;
    read.fail?.(new HttpError(408, "BODY_TIMEOUT", "the request's body did not arrive in time"));
    read.fail = undefined;
  }
}

/**
 * Reads a short body as a whole, within the allowance and the time that the minimum rate gives it.
 * Hot path: one promise of ours (bench: `throughput`).
 *
 * A late read stays pending: Deno then closes the connection after the response, and would
 * otherwise wait for the rest of the body.
 *
 * @throws HttpError 408 `BODY_TIMEOUT`, 400 `BODY_CUT`.
 */
export function readWhole(
  body: Pick<Request, "arrayBuffer">,
  length: number,
  allowanceMs = bodyAllowanceMs,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    const leftMs = allowanceMs + length / bytesPerMs;
    const read: PendingRead = { sinceMs: undefined, leftMs, fail: reject };
    add(read);
    body.arrayBuffer().then((buffer) => {
      read.fail = undefined;
      resolve(new Uint8Array(buffer));
    }, (error) => {
      read.fail = undefined;
      reject(cutError(error));
    });
  });
}

/**
 * Reads a body in pieces at a minimum rate: waiting for bytes uses up an allowance, and received
 * bytes restore it, so that a large body may take long, but a byte now and then does not hold a
 * connection. Time that the caller takes is not counted.
 */
export class TimedBodyReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #allowanceMs: number;
  #leftMs: number;

  constructor(body: ReadableStream<Uint8Array<ArrayBuffer>>, allowanceMs = bodyAllowanceMs) {
    this.#reader = body.getReader();
    this.#allowanceMs = this.#leftMs = allowanceMs;
  }

  /**
   * Returns the next piece, `undefined` at the end. A late read stays pending, as in `readWhole`.
   *
   * @throws HttpError 408 `BODY_TIMEOUT`, 400 `BODY_CUT`.
   */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return new Promise((resolve, reject) => {
      const sinceMs = performance.now();
      const read: PendingRead = { sinceMs, leftMs: this.#leftMs, fail: reject };
      add(read);
      this.#reader.read().then(({ value }) => {
        read.fail = undefined;
        const earnedMs = (value?.length ?? 0) / bytesPerMs;
        const leftMs = this.#leftMs - (performance.now() - sinceMs) + earnedMs;
        this.#leftMs = Math.min(this.#allowanceMs, leftMs);
        resolve(value);
      }, (error) => {
        read.fail = undefined;
        reject(cutError(error));
      });
    });
  }

  /** Lets another reader read the rest. */
  releaseLock(): void {
    this.#reader.releaseLock();
  }
}

function cutError(error: unknown): HttpError {
  return new HttpError(400, "BODY_CUT", "the request's body ended early", { cause: error });
}
