/**
 * Bytes that grow at the end. Numbers are LEB128; a number that replaces another keeps at least its
 * width, so that a linker's padding survives and most offsets stay as they were.
 */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer>;
  /** Number of bytes written. */
  length = 0;
  /**
   * Number of bytes there is room for. Hot path: nearly every write compares it (bench: `prepare`).
   */
  #capacity: number;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(Math.max(64, capacity));
    this.#capacity = this.#bytes.length;
  }

  byte(value: number): void {
    if (this.length === this.#capacity) this.#grow(1);
    this.#bytes[this.length++] = value;
  }

  bytes(source: ArrayLike<number>): void {
    const { length } = source;
    if (this.length + length > this.#capacity) this.#grow(length);
    this.#bytes.set(source, this.length);
    this.length += length;
  }

  /** Copies `source` from offset `start` up to `end`. */
  span(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.length + length > this.#capacity) this.#grow(length);
    const bytes = this.#bytes;
    let to = this.length;
    // Below this length a loop is faster than `set`.
    if (length < 8) { for (let from = start; from < end; from++) bytes[to++] = source[from] ?? 0; }
    else bytes.set(source.subarray(start, end), to);
    this.length += length;
  }

  /** Repeats what was written since `start`, `times` times. */
  repeat(start: number, times: number): void {
    const end = this.length;
    const more = times * (end - start);
    if (end + more > this.#capacity) this.#grow(more);
    for (let left = times; left > 0; left--) {
      this.#bytes.copyWithin(this.length, start, end);
      this.length += end - start;
    }
  }

  /** Writes `value`, which is below 2^32, as unsigned LEB128 of at least `minWidth` bytes. */
  u32(value: number, minWidth = 1): void {
    if (this.length + 5 > this.#capacity) this.#grow(5);
    let rest = value;
    let width = 1;
    while (rest > 0x7f || width < minWidth) {
      this.#bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
      width++;
    }
    this.#bytes[this.length++] = rest;
  }

  /** Writes a 32-bit number as signed LEB128. */
  s32(value: number): void {
    if (this.length + 5 > this.#capacity) this.#grow(5);
    let rest = value | 0;
    while (rest < -64 || rest > 63) {
      this.#bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>= 7;
    }
    this.#bytes[this.length++] = rest & 0x7f;
  }

  /** Writes a 64-bit number as signed LEB128. */
  s64(value: bigint): void {
    if (this.length + 10 > this.#capacity) this.#grow(10);
    let rest = BigInt.asIntN(64, value);
    while (rest < -64n || rest > 63n) {
      this.#bytes[this.length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.length++] = Number(rest & 0x7fn);
  }

  name(text: string): void {
    const bytes = utf8.encode(text);
    this.u32(bytes.length);
    this.bytes(bytes);
  }

  /** Begins content that follows its length of at least `minWidth` bytes. Returns its start. */
  begin(minWidth: number): number {
    if (this.length + minWidth > this.#capacity) this.#grow(minWidth);
    this.length += minWidth;
    return this.length;
  }

  /** Ends the content that began at `start`: writes its length before it. */
  end(start: number, minWidth: number): void {
    const length = this.length - start;
    const width = Math.max(minWidth, widthOf(length));
    if (width > minWidth) {
      if (this.length + width - minWidth > this.#capacity) this.#grow(width - minWidth);
      this.#bytes.copyWithin(start + width - minWidth, start, start + length);
    }
    this.length = start - minWidth;
    this.u32(length, width);
    this.length += length;
  }

  /** Returns a copy of everything written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.length);
  }

  #grow(more: number): void {
    const grown = new Uint8Array(Math.max(this.length + more, this.#capacity * 2));
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
    this.#capacity = grown.length;
  }
}

const utf8 = new TextEncoder();

/**
 * Returns code: opcodes below 0x80 and indices as numbers, written as unsigned LEB128; any other
 * bytes as lists, written as they are.
 */
export function bytesOf(...parts: (number | readonly number[])[]): Uint8Array<ArrayBuffer> {
  const out = new Writer(64);
  for (const part of parts) {
    if (typeof part === "number") out.u32(part);
    else out.bytes(part);
  }
  return out.finish();
}

/** Returns the number of bytes of the unsigned LEB128 of `value`. */
export function widthOf(value: number): number {
  let width = 1;
  for (let rest = value; rest > 0x7f; rest >>>= 7) width++;
  return width;
}
