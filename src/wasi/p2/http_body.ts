import type { OutputStream, Pollable } from "./stream_types.ts";
import type { Parent } from "./children.ts";
import { pollableOf } from "./poll.ts";
import type { Fields } from "./fields.ts";
import { IoError, StreamEnd } from "./stream_end.ts";

/** Bytes of an outgoing body that are buffered ahead of the reader. */
const highWaterBytes = 65_536;

/** A `wasi:http` error-code. */
export type HttpErrorCode = { readonly tag: string; readonly value?: unknown };

/** An error of HTTP, as the cause of an `IoError`. */
export class HttpFailure {
  readonly code: HttpErrorCode;

  constructor(code: HttpErrorCode) {
    this.code = code;
  }
}

/**
 * A body that a guest writes and the other side reads at its pace: the guest's stream takes bytes
 * while up to 64 KiB wait to be read.
 */
export class OutgoingBytes implements OutputStream {
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  #buffered = 0;
  #written = 0;
  readonly #expected: number | undefined;
  #state: "open" | "finished" | "aborted" = "open";
  #writable = Promise.withResolvers<void>();
  #readable = Promise.withResolvers<void>();
  #trailers: Fields | undefined;
  #isDiscarded = false;

  /** @param contentLength the number of bytes that the headers announce, if they do. */
  constructor(contentLength: number | undefined) {
    this.#expected = contentLength;
  }

  get trailers(): Fields | undefined {
    return this.#trailers;
  }

  /** Bytes that wait to be read. */
  get buffered(): number {
    return this.#buffered;
  }

  /** True once the guest has finished the body. */
  get isFinished(): boolean {
    return this.#state === "finished";
  }

  checkWrite(): number {
    if (this.#state !== "open") throw new StreamEnd();
    return Math.max(0, highWaterBytes - this.#buffered);
  }

  write(bytes: Uint8Array): void {
    if (this.#state !== "open") throw new StreamEnd();
    this.#written += bytes.length;
    if (this.#expected !== undefined && this.#written > this.#expected) {
      const code = bodySizeError(this.#written);
      throw new StreamEnd(
        new IoError("the body is longer than its Content-Length", new HttpFailure(code)),
      );
    }
    if (bytes.length === 0 || this.#isDiscarded) return;
    this.#chunks.push(bytes.slice());
    this.#buffered += bytes.length;
    this.#readable.resolve();
  }

  flush(): void {}

  isReady(): boolean {
    return this.#state !== "open" || this.#buffered < highWaterBytes;
  }

  whenReady(listener: () => void): () => void {
    let isCancelled = false;
    const wait = () => {
      if (isCancelled) return;
      if (this.isReady()) listener();
      else void this.#writable.promise.then(wait);
    };
    queueMicrotask(wait);
    return () => void (isCancelled = true);
  }

  close(): void {}

  /**
   * Ends the body.
   *
   * @returns the error if it is shorter than the headers announce; it is then aborted.
   */
  finish(trailers: Fields | undefined): HttpErrorCode | undefined {
    if (this.#state !== "open") return undefined;
    if (this.#expected !== undefined && this.#written !== this.#expected) {
      this.abort();
      return bodySizeError(this.#written);
    }
    this.#trailers = trailers;
    this.#settle("finished");
    return undefined;
  }

  /** Aborts the body: its reader sees that it was cut off. */
  abort(): void {
    if (this.#state === "open") this.#settle("aborted");
  }

  /** Drops what is written: the message has no content (RFC 9110 § 6.4.1). */
  discard(): void {
    this.#isDiscarded = true;
    this.#chunks = [];
    this.#buffered = 0;
    this.#writable.resolve();
  }

  #settle(state: "finished" | "aborted"): void {
    this.#state = state;
    this.#readable.resolve();
    this.#writable.resolve();
  }

  /** Returns all buffered bytes if the body is finished and nothing was read; else undefined. */
  takeWhole(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#state !== "finished") return undefined;
    const [first] = this.#chunks;
    const whole = this.#chunks.length === 1 && first ? first : concat(this.#chunks, this.#buffered);
    this.#chunks = [];
    this.#buffered = 0;
    return whole;
  }

  /**
   * Returns the next bytes, or undefined at the end.
   *
   * @throws Error if the body was aborted.
   */
  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#state === "finished") return undefined;
      if (this.#state === "aborted") throw new Error("the guest did not finish its body");
      this.#readable = Promise.withResolvers();
      await this.#readable.promise;
    }
    const bytes = concat(this.#chunks, this.#buffered);
    this.#chunks = [];
    this.#buffered = 0;
    this.#writable.resolve();
    this.#writable = Promise.withResolvers();
    return bytes;
  }

  /**
   * Returns the body as a web stream, which fails with `unfinished` if the body was aborted.
   *
   * @param onCancel called when its reader leaves.
   */
  toStream(unfinished: Error, onCancel: () => void): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: async (controller) => {
        try {
          const bytes = await this.next();
          if (bytes) controller.enqueue(bytes);
          else controller.close();
        } catch {
          controller.error(unfinished);
        }
      },
      cancel: () => {
        this.abort();
        onCancel();
      },
    }, { highWaterMark: 0 });
  }
}

function bodySizeError(written: number): HttpErrorCode {
  return { tag: "HTTP-response-body-size", value: BigInt(written) };
}

function concat(
  chunks: readonly Uint8Array<ArrayBuffer>[],
  length: number,
): Uint8Array<ArrayBuffer> {
  const [only] = chunks;
  if (chunks.length === 1 && only) return only;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** The resource `outgoing-body`: its stream can be taken once, and it must be finished. */
export class OutgoingBody implements Parent {
  children = 0;
  readonly bytes: OutgoingBytes;
  isStreamTaken = false;

  constructor(bytes: OutgoingBytes) {
    this.bytes = bytes;
  }
}

/** A value that arrives later and can be taken once. */
export class Future<T> implements Pollable {
  readonly #pollable: Pollable;
  #value: { readonly value: T } | undefined;
  isTaken = false;

  /** @param promise never rejects. */
  constructor(promise: Promise<T>) {
    const kept = promise.then((value) => void (this.#value = { value }));
    this.#pollable = pollableOf(kept);
  }

  get value(): { readonly value: T } | undefined {
    return this.#value;
  }

  isReady(): boolean {
    return this.#value !== undefined;
  }

  whenReady(listener: () => void): () => void {
    return this.#pollable.whenReady(listener);
  }
}
