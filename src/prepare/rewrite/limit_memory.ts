import type { Layout } from "../format/layout.ts";
import type { Writer } from "../format/writer.ts";

/** Copies bytes outside of the code; a memory's limits among them get the maximum, if theirs is higher or missing. */
export function copyWithLimits(
  out: Writer,
  { bytes, memoryLimits, description }: Layout,
  { start, end, maxPages }: { start: number; end: number; maxPages: number | undefined },
): void {
  let from = start;
  for (let item = 0; maxPages !== undefined && item < memoryLimits.length; item += 2) {
    const at = memoryLimits.at(item);
    if (at < start || at >= end) continue;
    const { min, max } = description.memories[item / 2]?.limits ?? { min: 0, max: undefined };
    if (max !== undefined && max <= maxPages) continue;
    out.span(bytes, from, at);
    out.byte(1);
    out.u32(min);
    out.u32(maxPages);
    from = memoryLimits.at(item + 1);
  }
  out.span(bytes, from, end);
}
