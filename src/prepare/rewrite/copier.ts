import type { Code } from "../scan/scan.ts";
import type { Moves } from "./moves.ts";
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
  /** Whether the body of a loop is written that stands several times: the last one is noted. */
  isRepeated = false;
  readonly #moves: Moves;
  readonly #starts: Int32Array;
  #function = 0;
  /** Offset of the new body in `out`. */
  #bodyAt = 0;

  constructor(out: Writer, bytes: Uint8Array, { code, moves }: { code: Code; moves: Moves }) {
    this.out = out;
    this.bytes = bytes;
    this.patched = bytes.slice();
    this.#moves = moves;
    this.#starts = code.functions.start;
  }

  /** Begins the body of a defined function. */
  begin(index: number): void {
    this.#function = index;
    this.#bodyAt = this.out.length;
    this.from = this.#starts[index] ?? 0;
  }

  /** Copies the old file up to `offset`. */
  copyUpTo(offset: number): void {
    if (offset > this.from) this.out.span(this.patched, this.from, offset);
    this.from = offset;
  }

  /** Leaves out the old file up to `offset`, for which something else was written. */
  skipTo(offset: number): void {
    this.from = offset;
    this.noteMove();
  }

  /** Replaces the LEB128 number at `at`, in at least the width that it has. */
  replaceNumber(at: number, value: number): void {
    const width = this.widthAt(at);
    if (widthOf(value) > width) {
      this.copyUpTo(at);
      this.out.u32(value, width);
      return this.skipTo(at + width);
    }
    let rest = value;
    for (let byte = at; byte < at + width - 1; byte++) {
      this.patched[byte] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.patched[at + width - 1] = rest;
  }

  /** Notes how far what follows in the old file has moved within its function. */
  noteMove(): void {
    const { distances } = this.#moves;
    if (!distances || this.isRepeated) return;
    const oldOffset = this.from - (this.#starts[this.#function] ?? 0);
    distances.push(this.from);
    distances.push(this.out.length - this.#bodyAt - oldOffset);
  }

  /** Notes that the `if` of a check is written next, whose body hardly ever runs. */
  noteCheck(): void {
    this.#moves.checks.push(this.#function);
    this.#moves.checks.push(this.out.length - this.#bodyAt);
  }

  /** Repeats what was written since `start`, and since `firstCheck` was noted, `times` times. */
  repeat(start: number, firstCheck: number, times: number): void {
    const { checks } = this.#moves;
    const length = this.out.length - start;
    const nextCheck = checks.length;
    this.out.repeat(start, times);
    for (let copy = 1; copy <= times; copy++) {
      for (let check = firstCheck; check < nextCheck; check += 2) {
        checks.push(checks.at(check));
        checks.push(checks.at(check + 1) + copy * length);
      }
    }
  }

  /** Number of the checks that are noted, for `repeat`. */
  get notedChecks(): number {
    return this.#moves.checks.length;
  }

  /** Returns the width of the LEB128 number at `at`, in bytes. */
  widthAt(at: number): number {
    let width = 1;
    while ((this.bytes[at + width - 1] ?? 0) >= 0x80) width++;
    return width;
  }
}
