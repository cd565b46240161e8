import { readCatch } from "./immediates.ts";
import { Reader } from "./reader.ts";

/** The labels of the catch clauses of the `try_table` at `at`. */
export function catchLabels(bytes: Uint8Array, at: number): number[] {
  const reader = new Reader(bytes, at + 1);
  reader.skipLeb(5, "block type");
  const labels: number[] = [];
  for (let left = reader.count("catch clauses"); left > 0; left--) labels.push(readCatch(reader));
  return labels;
}

/** All labels of the `br_table` at `at`. */
export function tableLabels(bytes: Uint8Array, at: number): number[] {
  const reader = new Reader(bytes, at + 1);
  const labels: number[] = [];
  for (let left = reader.u32("labels") + 1; left > 0; left--) labels.push(reader.u32("label"));
  return labels;
}
