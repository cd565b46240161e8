import { codeSection, readLayout } from "./format/layout.ts";
import { Reader } from "./format/reader.ts";
import { type PrepareOptions, prepareScanned, scanModule } from "./prepare.ts";
import { Ints } from "./format/ints.ts";

/** Maps offsets in the code of a prepared module to those in the module as it was built. */
export type SourceMap = (offset: number) => number | undefined;

/**
 * Prepares a module once more and returns the map of its offsets. Preparation depends only on the
 * bytes and the options, so the map is that of the module that was prepared with them before.
 */
export function createSourceMap(bytes: Uint8Array, options: PrepareOptions): SourceMap {
  const spans = new Ints();
  const prepared = prepareScanned(scanModule(bytes), { ...options, spans });
  if (prepared.kind !== "prepared") return () => undefined;
  const oldStarts = bodyStarts(bytes);
  const newStarts = bodyStarts(prepared.bytes);
  const functionOf = (offset: number) =>
    lastAtMost(oldStarts.length, (at) => oldStarts[at] ?? 0, offset);
  const newAt = (span: number) =>
    (newStarts[functionOf(spans.at(span * 3))] ?? 0) + spans.at(span * 3 + 1);
  return (offset) => {
    const index = lastAtMost(newStarts.length, (at) => newStarts[at] ?? 0, offset);
    const oldStart = oldStarts[index];
    if (oldStart === undefined) return undefined; // not code, or a function that was added
    const span = lastAtMost(spans.length / 3, newAt, offset);
    const from = spans.at(span * 3);
    if (span < 0 || functionOf(from) !== index) {
      return oldStart + offset - (newStarts[index] ?? 0); // a function that was not changed
    }
    // In code that was added between two spans, the offset is that of the next instruction.
    return from + Math.min(offset - newAt(span), spans.at(span * 3 + 2));
  };
}

/** Returns the offsets of the functions' bodies, after their sizes. */
function bodyStarts(bytes: Uint8Array): number[] {
  const section = codeSection(readLayout(bytes));
  if (!section) return [];
  const reader = new Reader(bytes, section.start, section.end);
  const starts: number[] = [];
  for (let left = reader.u32("function bodies"); left > 0; left--) {
    const size = reader.u32("size of a function");
    starts.push(reader.at);
    reader.skip(size, "function");
  }
  return starts;
}

/** Returns the last index of an ascending list whose item is at most `value`; -1 for none. */
function lastAtMost(length: number, item: (index: number) => number, value: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (item(middle) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
