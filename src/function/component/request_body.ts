import { bodyOfGet } from "../../server/deno_get_body.ts";
import { drainBody, readBody } from "../../server/read_body.ts";
import { HttpFailure } from "../../wasi/p2/http_body.ts";
import { IoError } from "../../wasi/p2/stream_end.ts";
import { BytesInput, ChunkInput } from "../../wasi/p2/stream_sources.ts";
import { noTrailers, type TrailersResult } from "../../wasi/p2/http_types.ts";
import type { InputStream } from "../../wasi/p2/stream_types.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Bodies up to this size are read before the call, so that the guest need not wait for them. */
export const maxBufferedBytes = 65_536;

/** The body of a request. A call that is rerun reads it again. */
export interface RequestBody {
  /** Opens the stream of its bytes. */
  readonly stream: InputStream;
  /** Starts to read ahead of the guest. Call it when the response begins. */
  readAhead(): void;
  /** Reads to the end of the body, and returns its trailers. */
  trailers(): Promise<TrailersResult>;
  /** Discards what was not read. Call it after the call. */
  close(): void;
}

/** The part of a head that its body depends on. */
export interface BodyFraming {
  readonly method: string;
  /** The `Content-Length`, null without one. */
  readonly contentLength: string | null;
  /** True with a `Transfer-Encoding`. */
  readonly isChunked: boolean;
}

/**
 * Opens the body of a request; synchronously if it has no bytes, or if it is streamed.
 *
 * @param maxBytes the limit of `-maxStreamBody`.
 * @throws HttpError as `readBody` does. Thrown or rejected.
 */
export function openRequestBody(
  request: Request,
  { method, contentLength, isChunked }: BodyFraming,
  maxBytes = Infinity,
): RequestBody | Promise<RequestBody> {
  const hidesBody = method === "GET" || method === "HEAD";
  if (contentLength === null ? hidesBody && !isChunked : contentLength === "0") return emptyBody;
  const length = Number(contentLength ?? Infinity);
  if (length <= maxBufferedBytes || (length > maxBytes && length !== Infinity)) {
    const flag = "-maxStreamBody";
    const read = readBody(request, { maxBytes, flag, contentLength });
    return read instanceof Promise ? read.then(wholeBody) : wholeBody(read);
  }
  const { body } = hidesBody ? bodyOfGet(request) : request;
  return body ? new StreamedBody(body, maxBytes) : emptyBody;
}

/** Returns a body that was read. */
export function wholeBody(bytes: Bytes): RequestBody {
  return {
    get stream() {
      return new BytesInput(bytes);
    },
    trailers: noTrailers,
    readAhead() {},
    close() {},
  };
}

/** The body of a request without content. */
export const emptyBody = wholeBody(new Uint8Array(0));

/**
 * A body that is read while it arrives. A call that cannot wait reads nothing of it, so that its
 * rerun finds it complete.
 *
 * Until the response begins, the client waits for the guest. From then on Deno reads without limit
 * (2.9.6), and copies all that is unread for every read of ours, so we read it immediately.
 */
class StreamedBody implements RequestBody {
  readonly #body: ReadableStream<Bytes>;
  readonly #maxBytes: number;
  #input: ChunkInput | undefined;
  #reader: ReadableStreamDefaultReader<Bytes> | undefined;
  #length = 0;
  /** Reads in progress or done, in order, once it reads ahead. */
  #ahead: Promise<Bytes | undefined>[] | undefined;

  constructor(body: ReadableStream<Bytes>, maxBytes: number) {
    this.#body = body;
    this.#maxBytes = maxBytes;
  }

  get stream(): InputStream {
    const input = this.#input ??= new ChunkInput({
      next: () => this.#ahead ? this.#ahead.shift() ?? atEnd : this.#read(),
      cancel: () => {},
      failure: bodyFailure,
    });
    return {
      isReady: () => input.isReady(),
      whenReady: (listener) => input.whenReady(listener),
      read: (length) => input.read(length),
      close: () => {},
    };
  }

  readonly trailers = noTrailers;

  readAhead(): void {
    if (this.#ahead) return;
    this.#ahead = [];
    this.#queueRead(this.#ahead);
  }

  close(): void {
    this.#ahead = [];
    this.#input?.close();
    this.#reader?.releaseLock();
    void drainBody(this.#body);
  }

  #queueRead(ahead: Promise<Bytes | undefined>[]): void {
    const read = this.#read();
    // Before the guest's listeners: when it asks for the next chunk, its read is queued.
    read.then((bytes) => {
      if (bytes && this.#ahead === ahead) this.#queueRead(ahead);
    }, () => {});
    ahead.push(read);
  }

  async #read(): Promise<Bytes | undefined> {
    this.#reader ??= this.#body.getReader();
    const { value } = await this.#reader.read();
    this.#length += value?.length ?? 0;
    if (this.#length > this.#maxBytes) throw new TooLongError(this.#length);
    return value;
  }
}

const atEnd = Promise.resolve(undefined);

/** A body that exceeds `-maxStreamBody`. */
export class TooLongError extends Error {
  readonly length: number;

  constructor(length: number) {
    super("the request's body is longer than -maxStreamBody");
    this.length = length;
  }
}

/** Maps what fails while a body arrives to the guest's error. */
export function bodyFailure(error: unknown): IoError {
  if (error instanceof TooLongError) {
    const code = { tag: "HTTP-request-body-size", value: BigInt(error.length) };
    return new IoError(error.message, new HttpFailure(code));
  }
  const code = { tag: "connection-terminated" };
  return new IoError("the request's body ended early", new HttpFailure(code));
}
