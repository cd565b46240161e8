import { readByteString } from "../../base/byte_string.ts";
import { ByteBuffer } from "../../base/byte_buffer.ts";
import type { CapsuleError } from "../../base/errors.ts";
import { HttpError } from "../../server/http_error.ts";
import { type AnswerHead, badAnswer, endOfHead, maxHeadBytes, readHead } from "./answer_head.ts";

/** What a program answered: its head, and its body as far as it goes. */
export interface CgiAnswer {
  readonly head: AnswerHead;
  /** Whole when the program ended soon, a stream otherwise, `null` where there must be none. */
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> | null;
}

/** Answers that have no body, whatever the program wrote (RFC 9110, 15.3.5, 15.3.6 and 15.4.5). */
const bodylessStatus = new Set([204, 205, 304]);
/** How much of a body is held: until it is streamed, and then until the client takes it. */
const heldBytes = 65_536;
/** How long a program may take for the rest of its answer before the head and what there is of the body go out. */
const patienceMs = 10;

/**
 * What a program writes on descriptor 1, as it becomes an answer. A short answer of a program that ends at once goes out
 * whole, so that what goes wrong until then can still be told; a longer one is streamed, at the client's pace.
 */
export class AnswerWriter {
  /** The answer, once it can begin. */
  readonly answer: Promise<CgiAnswer>;
  readonly #decided = Promise.withResolvers<CgiAnswer>();
  readonly #stop: (reason: CapsuleError) => void;
  readonly #held = new ByteBuffer();
  #head: AnswerHead | undefined;
  #stream: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  #taken: PromiseWithResolvers<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  /** `stop` ends the program: its head is none, or nobody waits for its body any more. */
  constructor(stop: (reason: CapsuleError) => void) {
    this.answer = this.#decided.promise;
    this.#stop = stop;
  }

  /** Takes what the program writes; a promise when the client has to take what was written before. */
  readonly write = (bytes: Uint8Array): number | Promise<number> => {
    const { length } = bytes;
    if (this.#isOver) return length;
    if (!this.#head) this.#takeHead(bytes);
    else if (this.#stream) this.#stream.enqueue(bytes.slice());
    else if (this.#keepsBody) this.#held.append(bytes);
    if (this.#head && !this.#stream && this.#held.length > heldBytes) this.#startStream();
    if (!this.#stream || (this.#stream.desiredSize ?? 0) > 0) return length;
    this.#taken ??= Promise.withResolvers();
    return this.#taken.promise.then(() => length);
  };

  /** The program ended by itself. Answers whether it gave an answer. */
  end(exitCode: number): boolean {
    const head = this.#head;
    if (this.#isOver) return head !== undefined;
    if (this.#stream) this.#stream.close();
    else if (head) {
      this.#decided.resolve({ head, body: this.#keepsBody ? this.#held.bytes.slice() : null });
    } else {
      const ended = `it ended with exit code ${exitCode} ${
        this.#held.length === 0 ? "and wrote nothing" : "before the empty line that ends its head"
      }`;
      this.#decided.reject(badAnswer(ended));
    }
    this.#close();
    return head !== undefined;
  }

  /** The program was stopped. Answers whether a part of its answer was sent already, which is then cut off. */
  fail(error: unknown): boolean {
    const wasSent = this.#stream !== undefined;
    if (this.#isOver) return wasSent;
    this.#stream?.error(new HttpError(502, "CUT_OFF", "the program did not end its answer"));
    this.#decided.reject(error);
    this.#close();
    return wasSent;
  }

  get #keepsBody(): boolean {
    const { insteadOf, status = 0 } = this.#head ?? {};
    return insteadOf === undefined && !bodylessStatus.has(status);
  }

  #takeHead(bytes: Uint8Array): void {
    const before = this.#held.length;
    this.#held.append(bytes);
    const end = endOfHead(this.#held.bytes, before);
    try {
      if ((end ?? this.#held.length) > maxHeadBytes) {
        throw badAnswer(`its head has more than ${maxHeadBytes} bytes`);
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
    this.#timer = setTimeout(() => this.#startStream(), patienceMs);
  }

  #startStream(): void {
    const head = this.#head;
    // An answer without a body waits for its end: it may still fail.
    if (!head || this.#isOver || !this.#keepsBody) return;
    clearTimeout(this.#timer);
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        this.#stream = controller;
        if (this.#held.length > 0) controller.enqueue(this.#held.bytes.slice());
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
    }, new ByteLengthQueuingStrategy({ highWaterMark: heldBytes }));
    this.#decided.resolve({ head, body });
  }

  #close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#taken?.resolve();
  }
}
