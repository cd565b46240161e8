/** A memory at one moment. Of its bytes only the span that is not zero is kept. */
export class MemoryImage {
  /** Length of the memory. */
  readonly byteLength: number;
  /** Where the span begins and ends. */
  readonly offset: number;
  readonly end: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    // Four bytes at a time: this is done while somebody waits, before the engine has optimized it.
    const words = new Int32Array(bytes.buffer);
    let first = 0;
    let end = words.length;
    while (first < end && words[first] === 0) first++;
    while (end > first && words[end - 1] === 0) end--;
    this.byteLength = bytes.length;
    this.offset = first * 4;
    this.end = end * 4;
    this.#bytes = bytes.slice(this.offset, this.end);
  }

  /** Makes a memory what it was, which may have grown since; all of it outside of `runs`, pairs of offsets, is zero already. */
  restore(bytes: Uint8Array<ArrayBuffer>, runs: readonly number[]): void {
    const { offset, end } = this;
    for (let run = 0; run < runs.length; run += 2) {
      const from = runs[run] ?? 0;
      const to = runs[run + 1] ?? 0;
      if (from < offset) bytes.fill(0, from, Math.min(to, offset));
      if (to > end) bytes.fill(0, Math.max(from, end), to);
    }
    bytes.set(this.#bytes, offset);
  }
}
