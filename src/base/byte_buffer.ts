/** Up to this length a loop copies faster than `set`. */
const shortLength = 48;

/** A queue of bytes: appended at the end, removed at the front. */
export class ByteBuffer {
  #store = new Uint8Array(0);
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** The bytes in the queue, valid until its next change. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#store.subarray(this.#start, this.#end);
  }

  /** Appends the bytes from `start` to `end`; by default all of them. */
  append(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const length = end - start;
    if (this.#end + length > this.#store.length) this.#makeRoom(length);
    const store = this.#store;
    const at = this.#end;
    if (length > shortLength) store.set(bytes.subarray(start, end), at);
    else for (let i = 0; i < length; i++) store[at + i] = bytes[start + i] ?? 0;
    this.#end = at + length;
  }

  /** Removes up to `count` bytes at the front. */
  dropFirst(count: number): void {
    this.#start += Math.min(count, this.length);
    if (this.#start === this.#end) this.clear();
  }

  /** Removes all bytes, and frees a buffer of more than 64 KiB. */
  clear(): void {
    this.#start = this.#end = 0;
    if (this.#store.length > 65536) this.#store = new Uint8Array(0);
  }

  #makeRoom(more: number): void {
    const needed = this.length + more;
    // A half-empty buffer has room once its bytes are moved to the front.
    const store = needed > this.#store.length / 2
      ? new Uint8Array(Math.max(256, needed * 2))
      : this.#store;
    store.set(this.bytes);
    this.#end = this.length;
    this.#start = 0;
    this.#store = store;
  }
}
