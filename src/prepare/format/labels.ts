import { readCatch, skipBlockType } from "./immediates.ts";
import { Op } from "./instructions.ts";
import { Reader } from "./reader.ts";

/** Returns the labels of the catch clauses of the `try_table` at offset `at`. */
export function catchLabels(bytes: Uint8Array, at: number): number[] {
  const reader = new Reader(bytes, at + 1);
  skipBlockType(reader);
  const labels: number[] = [];
  for (let left = reader.count("catch clauses"); left > 0; left--) labels.push(readCatch(reader));
  return labels;
}

/** Returns all labels of the `br_table` at offset `at`. */
export function tableLabels(bytes: Uint8Array, at: number): number[] {
  const reader = new Reader(bytes, at + 1);
  const labels: number[] = [];
  for (let left = reader.u32("labels") + 1; left > 0; left--) labels.push(reader.u32("label"));
  return labels;
}

/** Returns the offset of the label of the `br`, `br_if`, `br_on_…` or `rethrow` at offset `at`. */
export function labelOffset(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== Op.gcPrefix) return at + 1;
  const reader = new Reader(bytes, at + 1);
  reader.u32("opcode");
  reader.skip(1, "flags of a cast");
  return reader.at;
}
