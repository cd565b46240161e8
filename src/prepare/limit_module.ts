import { CapsuleError } from "../base/errors.ts";
import type { Limits } from "./format/describe.ts";
import { hex, Reader, UnknownConstruct } from "./format/reader.ts";

/** A module with its memory limited, or as it was given where it has a memory of a kind that is not known. */
export type LimitedModule =
  | { readonly kind: "limited"; readonly bytes: Uint8Array<ArrayBuffer> }
  | {
    readonly kind: "unprepared";
    readonly bytes: Uint8Array;
    readonly unknown: Pick<UnknownConstruct, "opcode" | "offset" | "what">;
  };

const memorySection = 5;

/**
 * The module with the maximum of its memory written and nothing else: what a single call needs, for the price of a
 * copy. Nothing but the memory is looked at, and nothing but this file and the reader is loaded for it: V8 says what else
 * is wrong.
 *
 * Throws `CapsuleError` `LOAD` when a memory starts above the maximum, or when sections are cut off.
 */
export function limitModule(bytes: Uint8Array<ArrayBuffer>, maxPages: number): LimitedModule {
  const reader = new Reader(bytes, 8);
  while (!reader.done) {
    const from = reader.at;
    const id = reader.byte("section number");
    const size = reader.u32("section size");
    const start = reader.at;
    reader.skip(size, "section");
    if (id !== memorySection) continue;
    const limited = withLimits(new Reader(bytes, start, reader.at), maxPages);
    if (limited instanceof UnknownConstruct) return { kind: "unprepared", bytes, unknown: limited };
    const after = bytes.subarray(reader.at);
    const out = new Uint8Array(from + limited.length + after.length);
    out.set(bytes.subarray(0, from));
    out.set(limited, from);
    out.set(after, from + limited.length);
    return { kind: "limited", bytes: out };
  }
  return { kind: "limited", bytes };
}

/** The memory section: one memory from 2 to 256 pages is `05 05 01 01 02 80 02`. */
function withLimits(reader: Reader, maxPages: number): number[] | UnknownConstruct {
  const count = reader.count("memories");
  const content = [...leb(count)];
  for (let left = count; left > 0; left--) {
    const at = reader.at;
    const flags = reader.byte("limits");
    if (flags > 1) {
      return new UnknownConstruct(hex(flags), at, "a memory of another kind (memory64, threads)");
    }
    const min = reader.u32("limits");
    const max = flags === 1 ? reader.u32("limits") : maxPages;
    if (min > maxPages) throw startsTooLarge(min, maxPages);
    content.push(1, ...leb(min), ...leb(Math.min(max, maxPages)));
  }
  return [memorySection, ...leb(content.length), ...content];
}

/** An unsigned number as WebAssembly writes it. */
function leb(value: number): number[] {
  return value < 128 ? [value] : [value % 128 + 128, ...leb(Math.floor(value / 128))];
}

/** Refuses a module with a memory that starts above `maxPages` pages of 64 KiB. Throws `CapsuleError` `LOAD`. */
export function refuseLarger(
  memories: readonly { limits: Pick<Limits, "min"> }[],
  maxPages: number,
): void {
  for (const { limits } of memories) {
    if (limits.min > maxPages) throw startsTooLarge(limits.min, maxPages);
  }
}

function startsTooLarge(pages: number, maxPages: number): CapsuleError {
  const sentence = `its memory starts with ${size(pages)} but -maxMemory is ${size(maxPages)}`;
  return new CapsuleError("LOAD", `Cannot load the module: ${sentence}`);
}

function size(pages: number): string {
  return `${pages / 16} MiB (${pages} pages)`;
}
