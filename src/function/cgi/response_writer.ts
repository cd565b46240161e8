import { readByteString } from "../../base/byte_string.ts";
import { ByteBuffer } from "../../base/byte_buffer.ts";
import type { CapsuleError } from "../../base/errors.ts";
import { HttpError } from "../../server/http_error.ts";
import {
  type CgiResponseHead,
  endOfHead,
  invalidResponse,
  maxHeadBytes,
  readHead,
} from "./response_head.ts";

/** Response of a program. */
export interface CgiResponse {
  readonly head: CgiResponseHead;
  /** Bytes if the program ended soon, else a stream; null for a status without a body. */
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> | null;
}

type BodyController = ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;

/** Statuses without a body (RFC 9110 §§ 15.3.5, 15.3.6 and 15.4.5). */
const bodylessStatus = new Set([204, 205, 304]);
/** Bytes of a body that are buffered before it is streamed, and then ahead of the client. */
const maxBufferedBytes = 65_536;
/** Time after its head for which a response is buffered, in milliseconds. */
const streamAfterMs = 10;

/**
 * Turns a program's standard output into a response. A short response of a program that ends soon
 * is sent whole, so that an error until then is still reported; a longer one is streamed, at the
 * client's pace.
 */
export class ResponseWriter {
  /** The response; resolves as soon as it can begin. */
  readonly response: Promise<CgiResponse>;
  readonly #decided = Promise.withResolvers<CgiResponse>();
  readonly #stop: (reason: CapsuleError) => void;
  readonly #held = new ByteBuffer();
  #head: CgiResponseHead | undefined;
  #stream: BodyController | undefined;
  #sentBytes = 0;
  #taken: PromiseWithResolvers<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  /** @param stop ends the program: its head is invalid, or its client went away. */
  constructor(stop: (reason: CapsuleError) => void) {
    this.response = this.#decided.promise;
    this.#stop = stop;
  }

  /** Takes output of the program. Returns a promise if the client has to read first. */
  readonly write = (bytes: Uint8Array): number | Promise<number> => {
    const { length } = bytes;
    if (this.#isOver) return length;
    if (!this.#head) this.#takeHead(bytes);
    else if (this.#stream) this.#send(this.#stream, bytes.slice());
    else if (this.#keepsBody) this.#held.append(bytes);
    if (this.#head && !this.#stream && this.#held.length > maxBufferedBytes) this.#startStream();
    if (!this.#stream || (this.#stream.desiredSize ?? 0) > 0) return length;
    this.#taken ??= Promise.withResolvers();
    return this.#taken.promise.then(() => length);
  };

  /** Ends the response, as the program ended. Returns whether there was a head. */
  end(exitCode: number): boolean {
    const head = this.#head;
    if (this.#isOver) return head !== undefined;
    if (this.#stream) this.#endStream(this.#stream);
    else if (head) {
      this.#decided.resolve({ head, body: this.#keepsBody ? this.#held.bytes.slice() : null });
    } else {
      const ended = `it ended with exit code ${exitCode} ${
        this.#held.length === 0 ? "and wrote nothing" : "before the empty line that ends its head"
      }`;
      this.#decided.reject(invalidResponse(ended));
    }
    this.#close();
    return head !== undefined;
  }

  /** Fails the response. Returns whether a part of it was sent, which is then cut off. */
  fail(error: unknown): boolean {
    const wasSent = this.#stream !== undefined;
    if (this.#isOver) return wasSent;
    this.#stream?.error(new HttpError(502, "CUT_OFF", "the program did not end its response"));
    this.#decided.reject(error);
    this.#close();
    return wasSent;
  }

  get #keepsBody(): boolean {
    const { localRedirect, status = 0 } = this.#head ?? {};
    return localRedirect === undefined && !bodylessStatus.has(status);
  }

  #takeHead(bytes: Uint8Array): void {
    const before = this.#held.length;
    this.#held.append(bytes);
    const end = endOfHead(this.#held.bytes, before);
    try {
      if ((end ?? this.#held.length) > maxHeadBytes) {
        throw invalidResponse(`its head has more than ${maxHeadBytes} bytes`);
      }
      if (end === undefined) return;
      this.#head = readHead(readByteString(this.#held.bytes, 0, end));
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      this.fail(error);
      this.#stop(error);
      return;
    }
    this.#held.dropFirst(this.#keepsBody ? end : this.#held.length);
    this.#timer = setTimeout(() => this.#startStream(), streamAfterMs);
  }

  #startStream(): void {
    const head = this.#head;
    // A response without a body waits for the end of the program, which may still fail.
    if (!head || this.#isOver || !this.#keepsBody) return;
    clearTimeout(this.#timer);
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        this.#stream = controller;
        if (this.#held.length > 0) this.#send(controller, this.#held.bytes.slice());
        this.#held.clear();
      },
      pull: () => {
        this.#taken?.resolve();
        this.#taken = undefined;
      },
      cancel: () => {
        this.#close();
        this.#stop(new HttpError(499, "CLIENT_GONE", "the client went away"));
      },
    }, new ByteLengthQueuingStrategy({ highWaterMark: maxBufferedBytes }));
    this.#decided.resolve({ head, body });
  }

  /** Sends bytes of the body, up to the head's `Content-Length`: more would be another response. */
  #send(stream: BodyController, bytes: Uint8Array<ArrayBuffer>): void {
    const left = this.#declaredBytes - this.#sentBytes;
    const sent = bytes.length <= left ? bytes : bytes.subarray(0, left);
    this.#sentBytes += sent.length;
    if (sent.length > 0) stream.enqueue(sent);
  }

  /** Ends the body; one that is shorter than its `Content-Length` is an error for its reader. */
  #endStream(stream: BodyController): void {
    if (this.#declaredBytes === Infinity || this.#sentBytes === this.#declaredBytes) stream.close();
    else stream.error(new HttpError(502, "CUT_OFF", "the program did not end its response"));
  }

  get #declaredBytes(): number {
    return Number(this.#head?.contentLength ?? Infinity);
  }

  #close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#taken?.resolve();
  }
}
