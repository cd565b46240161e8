import type { Layout } from "../format/layout.ts";
import { lowerMaximum } from "../format/memory_limits.ts";
import { Reader } from "../format/reader.ts";
import type { Writer } from "../format/writer.ts";

/**
 * Copies the bytes from `start` to `end`, which lie outside the code, and lowers the maximum of the
 * memories among them to `maxPages` (undefined: not at all). Throws as `lowerMaximum` does.
 */
export function copyWithLimits(
  out: Writer,
  { bytes, memoryLimits }: Layout,
  { start, end, maxPages }: { start: number; end: number; maxPages: number | undefined },
): void {
  let from = start;
  for (let item = 0; maxPages !== undefined && item < memoryLimits.length; item++) {
    const at = memoryLimits.at(item);
    if (at < start || at >= end) continue;
    out.span(bytes, from, at);
    const reader = new Reader(bytes, at, end);
    out.bytes(lowerMaximum(reader, maxPages));
    from = reader.at;
  }
  out.span(bytes, from, end);
}
