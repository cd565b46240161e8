const fewBytes = 48; // that are copied one by one in less time than `set` takes to be called

/** Bytes that gather at the end and leave at the front; the room they took is used again. */
export class ByteBuffer {
  #store = new Uint8Array(0);
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** What is gathered now; not to be kept over the next change. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#store.subarray(this.#start, this.#end);
  }

  /** Adds the bytes from `start` to `end` of these, all of them unless said. */
  append(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const length = end - start;
    if (this.#end + length > this.#store.length) this.#makeRoom(length);
    const store = this.#store;
    const at = this.#end;
    if (length > fewBytes) store.set(bytes.subarray(start, end), at);
    else for (let i = 0; i < length; i++) store[at + i] = bytes[start + i] ?? 0;
    this.#end = at + length;
  }

  dropFirst(count: number): void {
    this.#start += Math.min(count, this.length);
    if (this.#start === this.#end) this.clear();
  }

  /** Forgets everything; a store that grew over 64 KiB is given back. */
  clear(): void {
    this.#start = this.#end = 0;
    if (this.#store.length > 65536) this.#store = new Uint8Array(0);
  }

  #makeRoom(more: number): void {
    const needed = this.length + more;
    const store = needed > this.#store.length / 2
      ? new Uint8Array(Math.max(256, needed * 2))
      : this.#store; // enough once it is moved to the front
    store.set(this.bytes);
    this.#end = this.length;
    this.#start = 0;
    this.#store = store;
  }
}
