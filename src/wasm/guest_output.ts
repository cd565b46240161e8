import { ByteBuffer } from "../base/byte_buffer.ts";
import type { Output } from "../base/io.ts";
import { mayBeginPanic, panicMessage } from "./panic_message.ts";

/** Streams to which guests write. */
export interface OutputSinks {
  readonly stdout: Output;
  readonly stderr: Output;
  /**
   * Formats a line, with its line end, of what a guest writes on descriptors 1 and 2. Set if
   * several guests share the sinks: then only whole lines are written, and the last line of a call
   * gets a line end. Without it bytes pass unchanged.
   */
  readonly formLine?: (line: Uint8Array) => Uint8Array;
  /** Formats a line, with its line end, of `Log`. Without it the line passes unchanged. */
  readonly formLog?: (line: Uint8Array) => Uint8Array;
}

/**
 * Output of one guest during one call.
 *
 * A tentative call (`hold`) writes nothing before it has ended well. A panic's lines, and the last
 * line, which may begin one, are kept until something else follows: if the call traps, they are its
 * error message. TinyGo writes them to descriptor 1.
 */
export class GuestOutput {
  readonly #out: Stream;
  readonly #error: Stream;
  #last: Stream | undefined;

  constructor(sinks: OutputSinks) {
    this.#out = new Stream(sinks.stdout, sinks);
    this.#error = new Stream(sinks.stderr, sinks);
  }

  /** Holds back all output until `end`. Set before a tentative call begins. */
  set hold(hold: boolean) {
    this.#out.hold = this.#error.hold = hold;
  }

  /** Bytes that a tentative call has written so far. */
  get heldBytes(): number {
    return this.#out.heldBytes + this.#error.heldBytes;
  }

  /** Writes bytes from `start` to `end`, and a line end, to standard output. */
  logLine(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.settle();
    this.#out.emitLine(bytes, start, end);
  }

  /** Takes bytes that the guest wrote on descriptor 1 or 2. */
  write(descriptor: 1 | 2, bytes: Uint8Array): void {
    const stream = descriptor === 1 ? this.#out : this.#error;
    if (this.#last !== stream) this.settle();
    this.#last = stream;
    stream.write(bytes);
  }

  /** Releases the last line: the guest continued, so it was not a panic's message. */
  settle(): void {
    this.#last?.release();
    this.#last = undefined;
  }

  /** Writes everything: the call ended well. */
  end(): void {
    this.#out.end();
    this.#error.end();
    this.#last = undefined;
  }

  /**
   * Takes the panic's message out of the output of a call that trapped, and writes the rest.
   * Returns undefined if the output does not end with a panic.
   */
  takePanic(): string | undefined {
    const message = this.#last?.takePanic();
    this.end();
    return message;
  }

  /** Drops everything: the call is discarded and rerun. */
  discard(): void {
    this.#out.clear();
    this.#error.clear();
    this.#last = undefined;
  }
}

const newline = 0x0a;
const lineEnd = new Uint8Array([newline]);
/** Bytes of a line without an end, or of one panic, that are kept back. */
const maxTailBytes = 65_536;

/** A stream of a call: `held` was written before `tail`. */
class Stream {
  hold = false;
  readonly #sink: Output;
  readonly #formLine: OutputSinks["formLine"];
  readonly #formLog: OutputSinks["formLog"];
  readonly #held = new ByteBuffer();
  readonly #tail = new ByteBuffer();

  constructor(sink: Output, { formLine, formLog }: OutputSinks) {
    this.#sink = sink;
    this.#formLine = formLine;
    this.#formLog = formLog;
  }

  get heldBytes(): number {
    return this.#held.length;
  }

  emit(bytes: Uint8Array): void {
    if (this.hold) this.#held.append(bytes);
    else this.#sink.write(bytes);
  }

  /** Writes a line and its end in one write, so that output of other processes cannot split it. */
  emitLine(bytes: Uint8Array, start: number, end: number): void {
    if (this.hold && !this.#formLog) {
      this.#held.append(bytes, start, end);
      this.#held.append(lineEnd);
      return;
    }
    const line = new Uint8Array(end - start + 1);
    line.set(bytes.subarray(start, end));
    line[end - start] = newline;
    this.emit(this.#formLog ? this.#formLog(line) : line);
  }

  write(bytes: Uint8Array): void {
    this.#tail.append(bytes);
    if (this.#tail.length > maxTailBytes) this.#emitAll();
    else this.#emitFirst(startOfTail(this.#tail.bytes));
  }

  /** Writes the tail; where sinks are shared, only its whole lines. */
  release(): void {
    const { bytes } = this.#tail;
    this.#emitFirst(this.#formLine ? bytes.lastIndexOf(newline) + 1 : bytes.length);
  }

  end(): void {
    this.#emitAll();
    if (this.#held.length > 0) {
      this.#sink.write(this.#held.bytes);
      this.#held.clear();
    }
  }

  takePanic(): string | undefined {
    const message = panicMessage(new TextDecoder().decode(this.#tail.bytes));
    if (message !== undefined) this.#tail.clear();
    return message;
  }

  clear(): void {
    this.#held.clear();
    this.#tail.clear();
  }

  /** Writes the tail, with a line end where lines are formatted. */
  #emitAll(): void {
    if (this.#tail.length === 0) return;
    if (this.#formLine && this.#tail.bytes.at(-1) !== newline) this.#tail.append(lineEnd);
    this.#emitFirst(this.#tail.length);
  }

  /** Writes the first `count` bytes of the tail; where lines are formatted, these end with one. */
  #emitFirst(count: number): void {
    if (count === 0) return;
    const bytes = this.#tail.bytes.subarray(0, count);
    if (this.#formLine) {
      for (let at = 0, next = 0; at < count; at = next) {
        next = bytes.indexOf(newline, at) + 1;
        this.emit(this.#formLine(bytes.subarray(at, next)));
      }
    } else this.emit(bytes);
    this.#tail.dropFirst(count);
  }
}

/** Returns the start of the first line that begins as a panic does, or else of the last line. */
function startOfTail(bytes: Uint8Array): number {
  let line = 0;
  while (!mayBeginPanic(bytes, line)) {
    const next = bytes.indexOf(newline, line) + 1;
    if (next === 0 || next === bytes.length) break;
    line = next;
  }
  return line;
}
