/**
 * A guest's memory, as seen from the host. It belongs to one instance.
 *
 * A guest that grows its memory detaches the buffer, so read `bytes` and `view` anew after every
 * call into the guest. Hot path (bench: `in-process`): an array on a detached buffer has length 0,
 * which is cheaper to test than `Memory.buffer` is to read.
 */
export class GuestMemory {
  #memory: WebAssembly.Memory | undefined;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #view: DataView<ArrayBuffer> = new DataView(new ArrayBuffer(0));
  #range: Uint8Array<ArrayBuffer> = this.#bytes;

  /** Sets the memory. Called once, when the instance exists. */
  bind(memory: WebAssembly.Memory): void {
    this.#memory = memory;
  }

  /** The whole memory as it is now. Do not keep it over a call into the guest. */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#bytes.length === 0) this.#renew();
    return this.#bytes;
  }

  /** The whole memory as a view for numbers; WebAssembly is little-endian. */
  get view(): DataView<ArrayBuffer> {
    if (this.#bytes.length === 0) this.#renew();
    return this.#view;
  }

  /**
   * Returns bytes that the caller knows to lie in the memory. Do not keep them over a call into the
   * guest. Hot path (bench: `files`): the last range is kept, as programs read and write through
   * one buffer.
   */
  range(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = this.bytes;
    const last = this.#range;
    if (last.byteOffset === pointer && last.length === length && length > 0) return last;
    return this.#range = bytes.subarray(pointer, pointer + length);
  }

  /** Reports whether `length` bytes from `pointer` lie in the memory. Both count as unsigned. */
  holds(pointer: number, length: number): boolean {
    return (pointer >>> 0) + (length >>> 0) <= this.bytes.length;
  }

  /**
   * Checks that `length` bytes from `pointer` lie in the memory.
   *
   * @throws RuntimeError if not: the call traps, as a load from there would.
   */
  check(what: string, pointer: number, length: number): void {
    if (this.holds(pointer, length)) return;
    throw new WebAssembly.RuntimeError(
      `a host function was given a ${what} outside the guest's memory: ${length >>> 0} bytes at ${
        pointer >>> 0
      }`,
    );
  }

  #renew(): void {
    if (!this.#memory) throw new Error("guest memory is used before the instance exists");
    const buffer = this.#memory.buffer as ArrayBuffer;
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }
}
