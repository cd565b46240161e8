import { gatheredBytes, outgoing } from "./buffers.ts";
import type { Wire } from "./wire.ts";

/** Gathers the bytes of a message, so that a small message is one write. */
export class WriteBuffer implements Disposable {
  #buffer = outgoing.borrow();
  #end = 0;
  #state: "free" | "flushing" | "disposed" = "free";

  get length(): number {
    return this.#end;
  }

  /** Reports whether `more` bytes should wait for a `flush`. */
  isFull(more = 0): boolean {
    return this.#end + more > gatheredBytes;
  }

  /** Appends a text in Latin-1. */
  text(text: string): void {
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) this.#buffer[this.#end + i] = text.charCodeAt(i);
    this.#end += text.length;
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Appends a chunk of a chunked body. */
  chunk(bytes: Uint8Array): void {
    this.text(bytes.length.toString(16) + "\r\n");
    this.bytes(bytes);
    this.text("\r\n");
  }

  /** A head may be as long as a pooled buffer, and the proxy adds lines to it. */
  #reserve(more: number): void {
    if (this.#end + more <= this.#buffer.length) return;
    const larger = new Uint8Array(2 * (this.#end + more));
    larger.set(this.#buffer.subarray(0, this.#end));
    this.#buffer = larger;
  }

  /** Returns a copy of the gathered bytes. */
  copy(): Uint8Array {
    return this.#buffer.slice(0, this.#end);
  }

  /** Drops the gathered bytes. */
  clear(): void {
    this.#end = 0;
  }

  /** Writes all gathered bytes. @throws as `Wire.write`. */
  async flush(wire: Wire, stallMs: number): Promise<void> {
    if (this.#end === 0) return;
    this.#state = "flushing";
    try {
      await wire.write(this.#buffer.subarray(0, this.#end), stallMs);
      this.#end = 0;
    } finally {
      // Disposed meanwhile: the buffer could not go back to the pool while it was being written.
      if (this.#isDisposed()) outgoing.giveBack(this.#buffer);
      else this.#state = "free";
    }
  }

  #isDisposed(): boolean {
    return this.#state === "disposed";
  }

  [Symbol.dispose](): void {
    if (this.#state === "free") outgoing.giveBack(this.#buffer);
    this.#state = "disposed";
  }
}
