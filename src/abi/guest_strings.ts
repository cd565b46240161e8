import { CapsuleError, messageOf } from "../base/errors.ts";
import type { Guest } from "../wasm/guest.ts";
import { decodeText, encodeText } from "../base/byte_string.ts";

/** A copy of a guest's string, as bytes. */
export function readBytes(guest: Guest, pointer: number, length: number): Uint8Array<ArrayBuffer> {
  return viewBytes(guest, pointer, length).slice();
}

/** A guest's string where it lies: good for as long as the guest waits, and not a moment longer. A copy costs 1 µs more. */
export function viewBytes(guest: Guest, pointer: number, length: number): Uint8Array<ArrayBuffer> {
  guest.memory.check("string", pointer, length);
  return guest.memory.bytes.subarray(pointer >>> 0, (pointer >>> 0) + (length >>> 0));
}

/** A guest's string as text. */
export function readText(guest: Guest, pointer: number, length: number): string {
  guest.memory.check("string", pointer, length);
  return decodeText(guest.memory.bytes, pointer >>> 0, (pointer >>> 0) + (length >>> 0));
}

/**
 * Gives the guest the result of a host function: bytes in memory that the guest allocated, and where they lie.
 *
 * For `"hi"` with cells at 8 and 12, and a buffer that the guest put at 1024:
 * ```
 *    8: 00 04 00 00   the pointer
 *   12: 02 00 00 00   the length
 * 1024: 68 69
 * ```
 * An empty result is 0 and 0: `allocateBuffer(0)` traps.
 */
export function writeResult(
  guest: Guest,
  result: string | Uint8Array,
  pointerCell: number,
  lengthCell: number,
): void {
  const bytes = typeof result === "string" ? encodeText(result) : result;
  const { length } = bytes;
  const at = length === 0 ? 0 : guest.inside(() => guest.allocateBuffer(length)) >>> 0;
  const { memory } = guest;
  memory.check("result", at, length);
  memory.check("cell", pointerCell, 4);
  memory.check("cell", lengthCell, 4);
  const { view } = memory;
  view.setUint32(pointerCell >>> 0, at, true);
  view.setUint32(lengthCell >>> 0, length, true);
  if (length > 0) memory.bytes.set(bytes, at);
}

/** The `[ERR]` text of an error of ours; anything else is thrown on. */
export function asResult(error: unknown): string {
  if (error instanceof CapsuleError) return encodeError(error);
  throw error;
}

/**
 * An error as it crosses the border between guest and host, in both directions: `[ERR][<code>]:<message>`.
 *
 * ```
 * [ERR][0]:redis: nil      code 0 means "show no code"
 * [ERR][404]:not found     the user sees "not found (404)"
 * ```
 * @see ABI.md, "Strings"
 */
export function encodeError(messageOrThrown: unknown, code = 0): string {
  return `[ERR][${code}]:${messageOf(messageOrThrown)}`;
}

const errorPattern = /^\[ERR\]\[(-?\d*)\]:/;

/** What a person is shown of a text that begins with `[ERR]`; `undefined` for any other text. */
export function decodeError(text: string): string | undefined {
  if (!text.startsWith("[ERR]")) return undefined;
  const match = errorPattern.exec(text);
  if (!match) return text.slice("[ERR]".length);
  const message = text.slice(match[0].length);
  const code = Number(match[1]);
  return code === 0 ? message : `${message} (${code})`;
}
