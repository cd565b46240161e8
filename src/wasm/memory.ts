/**
 * A guest's memory, as seen from the host.
 *
 * A guest that grows its memory detaches the buffer that JavaScript held of it, so `bytes` and `view` are read anew
 * after every call into the guest; both cost a comparison when nothing changed: an array on a detached buffer has length
 * 0, and asking the memory itself for its buffer is a call out of JavaScript. One `GuestMemory` belongs to one instance
 * for life: `bind` is called once, when the instance exists.
 */
export class GuestMemory {
  #memory: WebAssembly.Memory | undefined;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #view: DataView<ArrayBuffer> = new DataView(new ArrayBuffer(0));
  #range: Uint8Array<ArrayBuffer> = this.#bytes;

  /** Names the memory that an instance exports. */
  bind(memory: WebAssembly.Memory): void {
    this.#memory = memory;
  }

  /** All of the memory as it is now. Do not keep it over a call into the guest. */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#bytes.length === 0) this.#renew();
    return this.#bytes;
  }

  /** The same memory for numbers; WebAssembly is little-endian. */
  get view(): DataView<ArrayBuffer> {
    if (this.#bytes.length === 0) this.#renew();
    return this.#view;
  }

  /**
   * Bytes that are known to lie in the memory. Do not keep them over a call into the guest. A program reads and writes
   * through one buffer most of the time, so the last range is kept: an array that is made costs more than to look.
   */
  range(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = this.bytes;
    const last = this.#range;
    if (last.byteOffset === pointer && last.length === length && length > 0) return last;
    return this.#range = bytes.subarray(pointer, pointer + length);
  }

  /** Whether `length` bytes from `pointer` lie inside the memory. Both are taken as unsigned. */
  holds(pointer: number, length: number): boolean {
    return (pointer >>> 0) + (length >>> 0) <= this.bytes.length;
  }

  /** A guest that hands out a place past its own memory is broken: its call traps, as a load from there would. */
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
