/** A pool of buffers of one size, so that a transfer leaves no garbage. */
class BufferPool {
  readonly #bytes: number;
  readonly #maxSpare: number;
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];

  constructor(bytes: number, maxSpare: number) {
    this.#bytes = bytes;
    this.#maxSpare = maxSpare;
  }

  borrow(): Uint8Array<ArrayBuffer> {
    return this.#spare.pop() ?? new Uint8Array(this.#bytes);
  }

  giveBack(buffer: Uint8Array<ArrayBuffer>): void {
    if (buffer.length === this.#bytes && this.#spare.length < this.#maxSpare) {
      this.#spare.push(buffer);
    }
  }
}

/** A write is due when this many bytes are gathered. */
export const gatheredBytes = 64 * 1024;
/** Buffers for writes. */
export const outgoing = new BufferPool(gatheredBytes + 1024, 256);
/** Read buffers for large bodies (bench: `proxy`, the rows of 1 MiB). */
export const incoming = new BufferPool(128 * 1024, 64);
