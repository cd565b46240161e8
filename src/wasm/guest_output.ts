import { ByteBuffer } from "../base/byte_buffer.ts";
import type { Output } from "../base/io.ts";

/** Where a guest's output goes. */
export interface OutputSinks {
  readonly stdout: Output;
  readonly stderr: Output;
  /**
   * Given where several guests share the sinks: what one writes on descriptors 1 and 2 reaches them in whole lines, each
   * (with its end) in this form, and what is left of a line when its call ends is ended there. Otherwise bytes pass as
   * they are.
   */
  readonly formLine?: (line: Uint8Array) => Uint8Array;
}

/**
 * What one guest writes while it handles one call.
 *
 * Two things are held back. A call that may be thrown away and started again (`hold`) shows nothing before it has ended
 * well. And the last line that a guest wrote by itself stays here until something follows it, for it is the panic's
 * text if the next thing is a trap: TinyGo writes that on descriptor 1.
 */
export class GuestOutput {
  readonly #out: Stream;
  readonly #error: Stream;
  #last: Stream | undefined;

  constructor(sinks: OutputSinks) {
    this.#out = new Stream(sinks.stdout, sinks.formLine);
    this.#error = new Stream(sinks.stderr, sinks.formLine);
  }

  /** Whether the call may still be thrown away: set before it begins. */
  set hold(hold: boolean) {
    this.#out.hold = this.#error.hold = hold;
  }

  /** How many bytes a call that may be thrown away keeps here. */
  get heldBytes(): number {
    return this.#out.heldBytes + this.#error.heldBytes;
  }

  /** A line that the guest asked the host to log, from `start` to `end` of these bytes; the newline is added. */
  logLine(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.settle();
    this.#out.emitLine(bytes, start, end);
  }

  /** Bytes that the guest wrote on descriptor 1 or 2. */
  write(descriptor: 1 | 2, bytes: Uint8Array): void {
    const stream = descriptor === 1 ? this.#out : this.#error;
    if (this.#last !== stream) this.settle();
    this.#last = stream;
    stream.write(bytes);
  }

  /** The guest waits or asks for something else: what it wrote last was no panic's text. */
  settle(): void {
    this.#last?.release();
    this.#last = undefined;
  }

  /** The call ended well: everything goes out. */
  end(): void {
    this.#out.end();
    this.#error.end();
    this.#last = undefined;
  }

  /** The call trapped: what the guest wrote last is its panic's text, the rest goes out. */
  takePanic(): string {
    const panic = this.#last?.takeTail() ?? "";
    this.end();
    return panic.trim();
  }

  /** The call is started again: nothing of it has happened. */
  discard(): void {
    this.#out.clear();
    this.#error.clear();
    this.#last = undefined;
  }
}

const newline = 0x0a;
const lineEnd = new Uint8Array([newline]);
const panicWord = "panic: ";
const tailLimit = 65536; // bytes without a line's end, or of one panic, that are kept back

/** One stream of a call: what is `held` was written before what is in the `tail`. */
class Stream {
  hold = false;
  readonly #sink: Output;
  readonly #formLine: OutputSinks["formLine"];
  readonly #held = new ByteBuffer();
  readonly #tail = new ByteBuffer();

  constructor(sink: Output, formLine: OutputSinks["formLine"]) {
    this.#sink = sink;
    this.#formLine = formLine;
  }

  get heldBytes(): number {
    return this.#held.length;
  }

  emit(bytes: Uint8Array): void {
    if (this.hold) this.#held.append(bytes);
    else this.#sink.write(bytes);
  }

  /** A line and its end, as one write, so that another program's output does not come between them. */
  emitLine(bytes: Uint8Array, start: number, end: number): void {
    if (this.hold) {
      this.#held.append(bytes, start, end);
      this.#held.append(lineEnd);
      return;
    }
    const line = new Uint8Array(end - start + 1);
    line.set(bytes.subarray(start, end));
    line[end - start] = newline;
    this.#sink.write(line);
  }

  write(bytes: Uint8Array): void {
    this.#tail.append(bytes);
    if (this.#tail.length > tailLimit) this.#emitAll();
    else this.#emitFirst(startOfTail(this.#tail.bytes));
  }

  /** Lets go of the tail, but for a line that others must not be mixed into. */
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

  takeTail(): string {
    const text = new TextDecoder().decode(this.#tail.bytes);
    this.#tail.clear();
    return text;
  }

  clear(): void {
    this.#held.clear();
    this.#tail.clear();
  }

  /** Lines that are formed have an end, also where the guest gave them none. */
  #emitAll(): void {
    if (this.#tail.length === 0) return;
    if (this.#formLine && this.#tail.bytes.at(-1) !== newline) this.#tail.append(lineEnd);
    this.#emitFirst(this.#tail.length);
  }

  /** Where lines are formed, these bytes end with one. */
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

/** Where the last line begins, or the first one that begins as a panic does: its value may have several lines. */
function startOfTail(bytes: Uint8Array): number {
  let line = 0;
  while (!beginsWithPanic(bytes, line)) {
    const next = bytes.indexOf(newline, line) + 1;
    if (next === 0 || next === bytes.length) break;
    line = next;
  }
  return line;
}

function beginsWithPanic(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < panicWord.length; i++) {
    if (bytes[at + i] !== panicWord.charCodeAt(i)) return false;
  }
  return true;
}
