import type { AddedImport } from "./contract.ts";
import { Ints } from "./ints.ts";
import type { FunctionType } from "./value_types.ts";

/** What is to be done at an instruction. Those at one offset are carried out in this order. */
export const EditKind = {
  /** A check of the step counter before the instruction; the value is its weight. */
  check: 1,
  /** `br_if` becomes a block that checks and branches, so that only a branch that is taken pays. */
  checkedBranch: 2,
  /** Charges a bulk instruction for its length before it runs. */
  chargeBulk: 3,
  /** `call $proc_exit` becomes `call $exit` and `return`. */
  quietExit: 4,
} as const;

/** Edits in the order of the file, as three numbers each: offset of an instruction, EditKind, value. */
export class CodeEdits {
  readonly #numbers = new Ints();

  get length(): number {
    return this.#numbers.length / 3;
  }

  push(offset: number, kind: number, value = 0): void {
    this.#numbers.push(offset);
    this.#numbers.push(kind);
    this.#numbers.push(value);
  }

  offset(edit: number): number {
    return this.#numbers.at(edit * 3);
  }

  kind(edit: number): number {
    return this.#numbers.at(edit * 3 + 1);
  }

  value(edit: number): number {
    return this.#numbers.at(edit * 3 + 2);
  }
}

/** A function that is appended to the module; `body` gets the indices that the rewriting has given to all additions. */
export interface AddedFunction {
  name: string;
  type: FunctionType;
  body: (indices: AddedIndices) => Uint8Array;
}

/** Everything that a rewriting adds or changes. Nothing at all leaves the bytes as they are. */
export interface Edits {
  imports: AddedImport[];
  functions: AddedFunction[];
  /** Adds a mutable i32 global, 0 at first, and names its export. */
  counterExport: string | undefined;
  exports: { name: string; kind: "global" | "memory"; index: number }[];
  /** Lowers the maximum of each memory to this many pages. */
  maxMemoryPages: number | undefined;
  code: CodeEdits;
}

/** Where the additions are in the rewritten module. */
export interface AddedIndices {
  /** Function indices by name, imports and functions alike. */
  functions: ReadonlyMap<string, number>;
  counter: number;
}
