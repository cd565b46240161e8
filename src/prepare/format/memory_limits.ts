import { CapsuleError } from "../../base/errors.ts";
import { hex, type Reader, UnknownConstruct } from "./reader.ts";

/**
 * Flags before the limits of a memory or table: it has a maximum, is shared, has 64-bit addresses.
 */
export const LimitFlag = { maximum: 1, shared: 2, is64: 4 } as const;

/** Highest maximum that a module may declare, in pages: WebAssembly's and, for 64 bits, V8's. */
const maxPages32 = 2 ** 16;
const maxPages64 = 2 ** 18;

/**
 * Reads the limits of a memory and returns them with a maximum of at most `maxPages`. With 256
 * pages, `00 02` (from 2 pages on) becomes `01 02 80 02`. Limits that V8 does not allow stay as
 * they are, so that the module stays invalid.
 *
 * Throws `CapsuleError` `LOAD` when the memory starts above `maxPages`, `UnknownConstruct` for a
 * memory of an unknown kind.
 */
export function lowerMaximum(reader: Reader, maxPages: number): number[] {
  const at = reader.at;
  const flags = reader.byte("limits");
  if (flags > 7) throw new UnknownConstruct(hex(flags), at, "a memory of another kind");
  const is64 = (flags & LimitFlag.is64) !== 0;
  const min = is64 ? reader.u64("limits") : reader.u32("limits");
  const minEnd = reader.at;
  const hasMax = (flags & LimitFlag.maximum) !== 0;
  const max = !hasMax ? Infinity : is64 ? reader.u64("limits") : reader.u32("limits");
  if (min > maxPages) throw startsTooLarge(min, maxPages);
  const isShared = (flags & LimitFlag.shared) !== 0;
  const isValid = hasMax ? max <= (is64 ? maxPages64 : maxPages32) : !isShared;
  if (max <= maxPages || !isValid) return [...reader.bytes.subarray(at, reader.at)];
  return [flags | LimitFlag.maximum, ...reader.bytes.subarray(at + 1, minEnd), ...leb(maxPages)];
}

/** Returns the unsigned LEB128 of a number. */
export function leb(value: number): number[] {
  return value < 128 ? [value] : [value % 128 + 128, ...leb(Math.floor(value / 128))];
}

function startsTooLarge(pages: number, maxPages: number): CapsuleError {
  return new CapsuleError(
    "LOAD",
    `Cannot load the module: its memory starts with ${size(pages)} but -maxMemory is ${
      size(maxPages)
    }`,
  );
}

function size(pages: number): string {
  return `${pages / 16} MiB (${pages} pages)`;
}
