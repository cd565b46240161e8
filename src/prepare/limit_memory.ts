import { CapsuleError } from "../base/errors.ts";
import type { Limits } from "./describe.ts";
import type { Layout } from "./layout.ts";
import type { Unprepared } from "./prepare.ts";
import { hex, Reader, UnknownConstruct } from "./reader.ts";
import { readSections, type Section, SectionId } from "./sections.ts";
import { Writer } from "./writer.ts";

/** Refuses a module with a memory that starts above `maxPages` pages of 64 KiB. Throws `CapsuleError` `LOAD`. */
export function refuseLarger(memories: readonly { limits: Pick<Limits, "min"> }[], maxPages: number): void {
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

/** A module with its memory limited, or as it was given where it has a memory or sections that are not known. */
export type LimitedModule =
  | { readonly kind: "limited"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "unprepared"; readonly bytes: Uint8Array; readonly unknown: Unprepared["unknown"] };

/**
 * The module with the maximum of its memory written and nothing else: what a single call needs, for the price of a
 * copy. Neither the code nor what stands behind the memory is looked at.
 *
 * Throws `CapsuleError` `LOAD` as `prepareModule` does.
 */
export function limitModule(bytes: Uint8Array<ArrayBuffer>, maxPages: number): LimitedModule {
  try {
    for (const section of readSections(bytes)) {
      if (section.id === SectionId.memory) {
        return { kind: "limited", bytes: withLimits(bytes, section, maxPages) };
      }
    }
    return { kind: "limited", bytes };
  } catch (error) {
    if (!(error instanceof UnknownConstruct)) throw error;
    return { kind: "unprepared", bytes, unknown: error };
  }
}

function withLimits(bytes: Uint8Array, section: Section, maxPages: number): Uint8Array<ArrayBuffer> {
  const { sizeWidth, start, end } = section;
  const reader = new Reader(bytes, start, end);
  const out = new Writer(bytes.length + 64);
  out.span(bytes, 0, start - sizeWidth);
  out.sized(sizeWidth, () => {
    const count = reader.count("memories");
    out.u32(count);
    for (let left = count; left > 0; left--) {
      const at = reader.at;
      const flags = reader.byte("limits");
      if (flags > 1) {
        throw new UnknownConstruct(hex(flags), at, "a memory of another kind (memory64, threads)");
      }
      const min = reader.u32("limits");
      const max = flags === 1 ? reader.u32("limits") : maxPages;
      refuseLarger([{ limits: { min } }], maxPages);
      out.byte(1);
      out.u32(min);
      out.u32(Math.min(max, maxPages));
    }
  });
  out.span(bytes, end, bytes.length);
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
