import { gatheredBytes, outgoing } from "./buffers.ts";
import type { Wire } from "./wire.ts";

/** Gathers what goes out until something must be waited for, so that a small message is one write. */
export class Outbox implements Disposable {
  #buffer = outgoing.borrow();
  #end = 0;
  #busy = false;
  #disposed = false;

  get length(): number {
    return this.#end;
  }

  /** Whether that many bytes more should wait for a `flush`. */
  isFull(more = 0): boolean {
    return this.#end + more > gatheredBytes;
  }

  /** Text of one byte a character. */
  text(text: string): void {
    this.#need(text.length);
    for (let i = 0; i < text.length; i++) this.#buffer[this.#end + i] = text.charCodeAt(i);
    this.#end += text.length;
  }

  bytes(bytes: Uint8Array): void {
    this.#need(bytes.length);
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** A chunk of a chunked body. */
  chunk(bytes: Uint8Array): void {
    this.text(bytes.length.toString(16) + "\r\n");
    this.bytes(bytes);
    this.text("\r\n");
  }

  /** A head may be as long as a buffer, and get a few lines more. */
  #need(more: number): void {
    if (this.#end + more <= this.#buffer.length) return;
    const larger = new Uint8Array(2 * (this.#end + more));
    larger.set(this.#buffer.subarray(0, this.#end));
    this.#buffer = larger;
  }

  /** What is gathered, for somebody who keeps it. */
  copy(): Uint8Array {
    return this.#buffer.slice(0, this.#end);
  }

  /** Throws away what is gathered. */
  clear(): void {
    this.#end = 0;
  }

  /** Writes all of it. */
  async flush(wire: Wire, stallMs: number): Promise<void> {
    if (this.#end === 0) return;
    this.#busy = true;
    try {
      await wire.write(this.#buffer.subarray(0, this.#end), stallMs);
      this.#end = 0;
    } finally {
      this.#busy = false;
      if (this.#disposed) outgoing.giveBack(this.#buffer);
    }
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (!this.#busy) outgoing.giveBack(this.#buffer);
  }
}
