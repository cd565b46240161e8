import type { Ints } from "../format/ints.ts";
import { widthOf, type Writer } from "../format/writer.ts";

/**
 * Copies a function's body from the old file, with numbers replaced on the way. A number that keeps
 * its width, as nearly all do, is replaced in a copy of the file, from which long spans are then
 * copied.
 */
export class Copier {
  readonly out: Writer;
  /** The old file. */
  readonly bytes: Uint8Array;
  /** The old file with numbers replaced. */
  readonly patched: Uint8Array;
  /** Offset of the first byte of the old file that is not copied yet. */
  from = 0;
  /** Offset of the new body in `out`. */
  bodyAt = 0;
  /** Receives the spans that are copied: old offset, new offset in the body, length. */
  readonly #spans: Ints | undefined;

  constructor(out: Writer, bytes: Uint8Array, spans: Ints | undefined) {
    this.out = out;
    this.bytes = bytes;
    this.patched = bytes.slice();
    this.#spans = spans;
  }

  /** Copies the old file up to `offset`. */
  copyUpTo(offset: number): void {
    if (offset > this.from) {
      this.#spans?.pushSpan(this.from, this.out.length - this.bodyAt, offset - this.from);
      this.out.span(this.patched, this.from, offset);
    }
    this.from = offset;
  }

  /** Repeats what was written from `start` on `times` times. */
  repeat(start: number, times: number): void {
    const spans = this.#spans;
    const length = this.out.length - start;
    this.out.repeat(start, times);
    if (!spans) return;
    const end = spans.length;
    let first = end;
    while (first > 0 && spans.at(first - 2) >= start - this.bodyAt) first -= 3;
    for (let copy = 1; copy <= times; copy++) {
      for (let at = first; at < end; at += 3) {
        spans.pushSpan(spans.at(at), spans.at(at + 1) + copy * length, spans.at(at + 2));
      }
    }
  }

  /** Replaces the LEB128 number at `at`, in at least the width that it has. */
  replaceNumber(at: number, value: number): void {
    const width = this.widthAt(at);
    if (widthOf(value) > width) {
      this.copyUpTo(at);
      this.out.u32(value, width);
      this.from = at + width;
      return;
    }
    let rest = value;
    for (let byte = at; byte < at + width - 1; byte++) {
      this.patched[byte] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.patched[at + width - 1] = rest;
  }

  /** Leaves out the LEB128 number at `at`, and all before it that is not copied yet. */
  skipNumber(at: number): void {
    this.from = at + this.widthAt(at);
  }

  /** Returns the width of the LEB128 number at `at`, in bytes. */
  widthAt(at: number): number {
    let width = 1;
    while ((this.bytes[at + width - 1] ?? 0) >= 0x80) width++;
    return width;
  }
}
