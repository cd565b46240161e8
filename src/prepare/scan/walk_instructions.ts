import { skipImmediates } from "../format/immediates.ts";
import type { Layout } from "../format/layout.ts";
import { Reader } from "../format/reader.ts";
import type { Code } from "./code.ts";

/** One instruction of a function. */
export interface Instruction {
  opcode: number;
  /** The opcode after a prefix, 0 without one. */
  second: number;
  /** Offsets of its first byte and of the next instruction. */
  at: number;
  end: number;
  /** Returns a reader of the bytes after a one-byte opcode. */
  immediates: () => Reader;
}

/** Visits the instructions of the defined function with that index, in the order of the file. */
export function walkInstructions(
  { bytes, importedFunctions }: Layout,
  { functions }: Code,
  index: number,
  visit: (instruction: Instruction) => void,
): void {
  const defined = index - importedFunctions;
  const reader = new Reader(
    bytes,
    functions.codeStart[defined] ?? 0,
    functions.sizeAt[defined + 1] ?? 0,
  );
  while (!reader.done) {
    const at = reader.at;
    const opcode = reader.byte("instruction");
    const second = skipImmediates(reader, opcode, at);
    const end = reader.at;
    visit({ opcode, second, at, end, immediates: () => new Reader(bytes, at + 1, end) });
  }
}
