import type { OutputStream, Pollable } from "./stream_types.ts";
import type { Parent } from "./children.ts";
import { pollableOf } from "./poll.ts";
import type { Fields } from "./fields.ts";
import { IoError, StreamEnd } from "./stream_end.ts";

/** Bytes of an outgoing body that are buffered ahead of the reader. */
const highWaterBytes = 131_072;
/** Room before the bytes of a body, for the head of a response or the size of a chunk. */
const roomBefore = 512;
/** Room after them, for the end of a chunk. */
const roomAfter = 16;

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
 * while up to 128 KiB wait to be read.
 */
export class OutgoingBytes implements OutputStream {
  /** The number of bytes that the headers announce, if they do. */
  readonly expected: number | undefined;
  /** The bytes that wait to be read, from `roomBefore` on. */
  #buffer: Uint8Array<ArrayBuffer> = nothing;
  #buffered = 0;
  /** A buffer that was read, for reuse. */
  #spare: Uint8Array<ArrayBuffer> = nothing;
  #written = 0;
  #state: "open" | "finished" | "aborted" = "open";
  /** Called once when the guest may write again. */
  readonly #writers = new Set<() => void>();
  /** Called once when there is something to read, or the end. */
  #reader: (() => void) | undefined;
  #trailers: Fields | undefined;
  #isDiscarded = false;

  /** @param contentLength the number of bytes that the headers announce, if they do. */
  constructor(contentLength: number | undefined) {
    this.expected = contentLength;
  }

  get trailers(): Fields | undefined {
    return this.#trailers;
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
    if (this.expected !== undefined && this.#written > this.expected) {
      const code = bodySizeError(this.#written);
      throw new StreamEnd(
        new IoError("the body is longer than its Content-Length", new HttpFailure(code)),
      );
    }
    if (bytes.length === 0 || this.#isDiscarded) return;
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, roomBefore + this.#buffered);
    this.#buffered += bytes.length;
    this.#notifyReader();
  }

  /** Makes room for `more` bytes: exactly at first, as most bodies are one write. */
  #reserve(more: number): void {
    const used = roomBefore + this.#buffered;
    const needed = used + more + roomAfter;
    if (needed <= this.#buffer.length) return;
    if (this.#buffered === 0) {
      this.#buffer = new Uint8Array(needed);
      return;
    }
    const most = Math.max(needed, roomBefore + highWaterBytes + roomAfter);
    const larger = new Uint8Array(Math.min(most, 2 * needed));
    larger.set(this.#buffer.subarray(roomBefore, used), roomBefore);
    this.#buffer = larger;
  }

  flush(): void {}

  isReady(): boolean {
    return this.#state !== "open" || this.#buffered < highWaterBytes;
  }

  whenReady(listener: () => void): () => void {
    let isCancelled = false;
    const call = () => {
      if (!isCancelled) listener();
    };
    if (this.isReady()) queueMicrotask(call);
    else this.#writers.add(call);
    return () => {
      isCancelled = true;
      this.#writers.delete(call);
    };
  }

  close(): void {}

  /**
   * Ends the body.
   *
   * @returns the error if it is shorter than the headers announce; it is then aborted.
   */
  finish(trailers: Fields | undefined): HttpErrorCode | undefined {
    if (this.#state !== "open") return undefined;
    if (this.expected !== undefined && this.#written !== this.expected) {
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
    this.#take();
    this.#notifyWriters();
  }

  #settle(state: "finished" | "aborted"): void {
    this.#state = state;
    this.#notifyReader();
    this.#notifyWriters();
  }

  #notifyReader(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.();
  }

  #notifyWriters(): void {
    if (this.#writers.size === 0) return;
    const writers = [...this.#writers];
    this.#writers.clear();
    for (const writer of writers) writer();
  }

  /** Removes and returns the bytes that wait to be read. */
  #take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#buffer.subarray(roomBefore, roomBefore + this.#buffered);
    this.#buffer = this.#spare;
    this.#spare = nothing;
    this.#buffered = 0;
    return bytes;
  }

  /** Returns the bytes that wait to be read if the body is finished, else undefined. */
  takeWhole(): Uint8Array<ArrayBuffer> | undefined {
    return this.#state === "finished" ? this.#take() : undefined;
  }

  /**
   * Returns the next bytes, or undefined at the end. Their buffer has room around them, as that of
   * `takeWhole`: 512 bytes before them and 16 after them.
   *
   * @throws Error if the body was aborted.
   */
  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    while (this.#buffered === 0) {
      if (this.#state === "finished") return undefined;
      if (this.#state === "aborted") throw new Error("the guest did not finish its body");
      await new Promise<void>((resolve) => this.#reader = resolve);
    }
    const bytes = this.#take();
    this.#notifyWriters();
    return bytes;
  }

  /** Takes back bytes that `next` returned and that are no longer used. */
  recycle(bytes: Uint8Array<ArrayBuffer>): void {
    this.#spare = new Uint8Array(bytes.buffer);
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

const nothing = new Uint8Array(0);

function bodySizeError(written: number): HttpErrorCode {
  return { tag: "HTTP-response-body-size", value: BigInt(written) };
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
