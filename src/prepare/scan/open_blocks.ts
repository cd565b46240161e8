import type { CapsuleError } from "../../base/errors.ts";
import type { Layout } from "../format/layout.ts";
import { malformed, Reader } from "../format/reader.ts";
import { beginsValueType } from "../format/value_types.ts";

/** The open blocks of a function while it is scanned, and the checks on what refers to them. */
export class OpenBlocks {
  /** Kinds of the blocks, innermost last. */
  readonly kinds: number[] = [];
  /** Events that began them; -1 for the function itself. */
  readonly begins: number[] = [];
  readonly #layout: Layout;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  open(kind: number, event: number): void {
    this.kinds.push(kind);
    this.begins.push(event);
  }

  /** Lets the open block continue as another kind: `if` as `else`. */
  continueAs(at: number, from: number, to: number): void {
    if (this.kinds.pop() !== from) {
      throw malformed("else or catch is not in a block of its kind", at);
    }
    this.kinds.push(to);
  }

  /** Reads a label. Throws if it has no block. */
  readLabel(reader: Reader): number {
    const at = reader.at;
    const label = reader.u32("label");
    if (label >= this.kinds.length) throw missing("label", label, at);
    return label;
  }

  /** Throws if a type does not exist. */
  checkType(type: number, at: number): void {
    if (type >= this.#layout.types.length) throw missing("type", type, at);
  }

  /** Reports whether a block has parameters. Throws if the type that it names does not exist. */
  hasParameters(at: number): boolean {
    const reader = new Reader(this.#layout.bytes, at);
    if (beginsValueType(reader.bytes[at] ?? 0)) return false;
    // A negative number stands for no result; V8 takes it in any width.
    const index = reader.s33("block type");
    if (index < 0) return false;
    const type = this.#layout.types[index];
    if (!type) throw missing("type", index, at);
    return type.params.length > 0;
  }
}

/** Returns the error for an index that is out of range. */
export function missing(what: string, index: number, at: number): CapsuleError {
  return malformed(`${what} ${index} does not exist`, at);
}
