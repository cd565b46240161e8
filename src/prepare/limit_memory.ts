import { CapsuleError } from "../base/errors.ts";
import type { ModuleDescription } from "./describe.ts";
import type { Layout } from "./layout.ts";
import { Writer } from "./writer.ts";

/** Refuses a module with a memory that starts above `maxPages` pages of 64 KiB. Throws `CapsuleError` `LOAD`. */
export function limitMemory({ memories }: ModuleDescription, maxPages: number): void {
  for (const { limits } of memories) {
    if (limits.min <= maxPages) continue;
    throw new CapsuleError(
      "LOAD",
      `Cannot load the module: its memory starts with ${size(limits.min)} and the maximum is ${
        size(maxPages)
      }`,
    );
  }
}

/** The module with its memories' maximum written and nothing else: the code is not looked at. */
export function withLimits(layout: Layout, maxPages: number): Uint8Array<ArrayBuffer> {
  const { bytes, sections } = layout;
  const out = new Writer(bytes.length + 64);
  out.span(bytes, 0, 8);
  for (const { id, sizeWidth, start, end } of sections) {
    out.byte(id);
    out.sized(sizeWidth, () => copyWithLimits(out, layout, { start, end, maxPages }));
  }
  return out.finish();
}

/** Copies bytes outside of the code; a memory's limits among them get the maximum, if theirs is higher or missing. */
export function copyWithLimits(
  out: Writer,
  { bytes, memoryLimits, description }: Layout,
  { start, end, maxPages }: { start: number; end: number; maxPages: number | undefined },
): void {
  let from = start;
  for (let item = 0; maxPages !== undefined && item < memoryLimits.length; item += 2) {
    const [at, after] = [memoryLimits.at(item), memoryLimits.at(item + 1)];
    if (at < start || at >= end) continue;
    const { min, max } = description.memories[item / 2]?.limits ?? { min: 0, max: undefined };
    if (max !== undefined && max <= maxPages) continue;
    out.span(bytes, from, at);
    out.byte(1);
    out.u32(min);
    out.u32(maxPages);
    from = after;
  }
  out.span(bytes, from, end);
}

function size(pages: number): string {
  return `${pages / 16} MiB (${pages} pages)`;
}
