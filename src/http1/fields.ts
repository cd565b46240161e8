import { BadMessage } from "./message.ts";
import {
  byteText,
  colon,
  cr,
  equalsWord,
  lf,
  space,
  tab,
  tokenBytes,
  valueBytes,
} from "./characters.ts";

const dash = 45, underscore = 95;

/** The largest size of a head, its empty line included. */
export const maxHeaderBytes = 64 * 1024;
/** The largest number of header lines in a head. */
export const maxFields = 100;

/** The headers that this server interprets; a proxy only forwards all others. */
const knownNames = [
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "upgrade",
  "expect",
  "te",
  "trailer",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "http2-settings",
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
] as const;
/** `lookalike`: one of them with `_` for `-`, the same variable in CGI (RFC 3875 § 4.1.18). */
export type KnownHeader = typeof knownNames[number] | "lookalike";

/** Known names by length, which few headers share. */
const byLength: Exclude<KnownHeader, "lookalike">[][] = [];
for (const name of knownNames) (byLength[name.length] ??= []).push(name);

/** The ranges of a header line in the bytes of its head. */
export interface Field {
  readonly known: KnownHeader | undefined;
  readonly start: number;
  readonly nameEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  /** After CR LF. */
  readonly end: number;
}

/**
 * Returns the end of a block of lines, after its empty line, or 0 if that is missing.
 *
 * @param from the start of the first line, or the `lineStart` that the last search returned: the
 * start of its incomplete line.
 * @throws BadMessage for a bare LF.
 */
export function findBlockEnd(
  bytes: Uint8Array,
  from: number,
  end: number,
): { end: number; lineStart: number } {
  let lineStart = from;
  // Hot path: for short lines a loop is cheaper than `indexOf` (bench: `proxy`).
  for (let at = from; at < end; at++) {
    if (bytes[at] !== lf) continue;
    if (at === lineStart || bytes[at - 1] !== cr) {
      throw new BadMessage("a line must end with CR LF");
    }
    if (at === lineStart + 1) return { end: at + 1, lineStart };
    lineStart = at + 1;
  }
  return { end: 0, lineStart };
}

/**
 * Parses the header lines from `start` up to the empty line that ends at `end`.
 *
 * @throws BadMessage for a line that is folded, or has no name, a space before its colon, or a
 * control character.
 */
export function parseFields(bytes: Uint8Array, start: number, end: number): Field[] {
  const fields: Field[] = [];
  let at = start;
  while (at < end - 2) {
    if (fields.length === maxFields) {
      throw new BadMessage(`the head exceeds ${maxFields} header lines`, 431);
    }
    const lineStart = at;
    while (tokenBytes[bytes[at] ?? 0] === 1) at++;
    const nameEnd = at;
    if (bytes[at] !== colon || nameEnd === lineStart) throw badName(bytes, lineStart, at);
    at++;
    while (bytes[at] === space || bytes[at] === tab) at++;
    const valueStart = at;
    while (valueBytes[bytes[at] ?? 0] === 1) at++;
    let valueEnd = at;
    while (
      valueEnd > valueStart && (bytes[valueEnd - 1] === space || bytes[valueEnd - 1] === tab)
    ) {
      valueEnd--;
    }
    if (bytes[at] !== cr || bytes[at + 1] !== lf) {
      throw new BadMessage(
        `the value of ${byteText(bytes, lineStart, nameEnd)} has a control character`,
      );
    }
    at += 2;
    fields.push({
      known: knownName(bytes, lineStart, nameEnd),
      start: lineStart,
      nameEnd,
      valueStart,
      valueEnd,
      end: at,
    });
  }
  return fields;
}

function badName(bytes: Uint8Array, lineStart: number, at: number): BadMessage {
  const first = bytes[lineStart];
  if (first === space || first === tab) {
    return new BadMessage("a header must not be folded over several lines");
  }
  if (bytes[at] === space || bytes[at] === tab) {
    return new BadMessage("a header must not have a space before its colon");
  }
  return new BadMessage("a header line is a name, a colon and a value");
}

function knownName(bytes: Uint8Array, start: number, end: number): KnownHeader | undefined {
  const names = byLength[end - start];
  if (names === undefined) return undefined;
  for (const name of names) {
    if (equalsWord(bytes, start, end, name)) return name;
    if (name.includes("-") && looksLike(bytes, start, name)) return "lookalike";
  }
  return undefined;
}

function looksLike(bytes: Uint8Array, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[start + i] ?? 0;
    const lower = byte >= 65 && byte <= 90 ? byte | 32 : byte === underscore ? dash : byte;
    if (lower !== name.charCodeAt(i)) return false;
  }
  return true;
}

/** Returns the items of a list header, in lower case. */
export function listItems(bytes: Uint8Array, { valueStart, valueEnd }: Field): string[] {
  return byteText(bytes, valueStart, valueEnd).toLowerCase().split(",").map((item) => item.trim())
    .filter((item) => item !== "");
}

/**
 * Parses a `Content-Length`.
 *
 * @throws BadMessage unless it is 1 to 15 decimal digits, a safe integer.
 */
export function parseLength(bytes: Uint8Array, { valueStart, valueEnd }: Field): number {
  let length = 0;
  for (let i = valueStart; i < valueEnd; i++) {
    const digit = (bytes[i] ?? 0) - 48;
    if (digit < 0 || digit > 9) throw new BadMessage("Content-Length must be decimal digits");
    length = length * 10 + digit;
  }
  if (valueStart === valueEnd || valueEnd - valueStart > 15) {
    throw new BadMessage("Content-Length must have 1 to 15 digits");
  }
  return length;
}
