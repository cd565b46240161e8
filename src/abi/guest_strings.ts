import { CapsuleError, messageOf } from "../base/errors.ts";
import type { Guest } from "../wasm/guest.ts";
import { decodeText, encodeText } from "../base/byte_string.ts";

/** Bytes that are copied between two checks of the deadline. */
const copyChunkBytes = 8 * 1024 * 1024;

/**
 * Copies a guest's string as bytes.
 *
 * @throws CapsuleError the reason of the stop, if the deadline passes meanwhile.
 */
export function readBytes(guest: Guest, pointer: number, length: number): Uint8Array<ArrayBuffer> {
  const view = viewBytes(guest, pointer, length);
  if (view.length <= copyChunkBytes) return view.slice();
  const copy = new Uint8Array(view.length);
  copyInTime(guest, view, copy, 0);
  return copy;
}

function copyInTime(guest: Guest, source: Uint8Array, target: Uint8Array, offset: number): void {
  for (let at = 0; at < source.length; at += copyChunkBytes) {
    guest.assertInTime();
    target.set(source.subarray(at, at + copyChunkBytes), offset + at);
  }
}

/**
 * Returns a guest's string in place. Valid until the guest runs again. Hot path: no copy (bench:
 * `in-process`).
 */
export function viewBytes(guest: Guest, pointer: number, length: number): Uint8Array<ArrayBuffer> {
  guest.memory.check("string", pointer, length);
  return guest.memory.bytes.subarray(pointer >>> 0, (pointer >>> 0) + (length >>> 0));
}

/** Decodes a guest's string as UTF-8. The caller bounds its length. */
export function readGuestText(guest: Guest, pointer: number, length: number): string {
  guest.memory.check("string", pointer, length);
  return decodeText(guest.memory.bytes, pointer >>> 0, (pointer >>> 0) + (length >>> 0));
}

/**
 * Writes the result of a host function into memory that the guest allocates, and its pointer and
 * length into two cells.
 *
 * For `"hi"` with cells at 8 and 12, and memory allocated at 1024:
 * ```
 *    8: 00 04 00 00   the pointer
 *   12: 02 00 00 00   the length
 * 1024: 68 69
 * ```
 * An empty result is 0 and 0, as `allocateBuffer(0)` traps.
 *
 * @throws RuntimeError for a pointer outside of the memory.
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
  if (length > copyChunkBytes) copyInTime(guest, bytes, memory.bytes, at);
  else if (length > 0) memory.bytes.set(bytes, at);
}

/** Encodes a `CapsuleError` as `[ERR]` text; rethrows anything else. */
export function asResult(error: unknown): string {
  if (error instanceof CapsuleError) return encodeError(error);
  throw error;
}

/**
 * Encodes an error as it is passed between guest and host: `[ERR][<code>]:<message>`.
 *
 * ```
 * [ERR][0]:redis: nil      code 0 means "show no code"
 * [ERR][404]:not found     the user sees "not found (404)"
 * ```
 */
export function encodeError(messageOrThrown: unknown, code = 0): string {
  return `[ERR][${code}]:${messageOf(messageOrThrown)}`;
}

const errorPattern = /^\[ERR\]\[(-?\d*)\]:/;

/** Returns the message of an `[ERR]` text for the user; undefined for any other text. */
export function decodeError(text: string): string | undefined {
  if (!text.startsWith("[ERR]")) return undefined;
  const match = errorPattern.exec(text);
  if (!match) return text.slice("[ERR]".length);
  const message = text.slice(match[0].length);
  const code = Number(match[1]);
  return code === 0 ? message : `${message} (${code})`;
}
