import type { ByteString } from "../../base/byte_string.ts";
import type { Header } from "../../abi/headers.ts";
import { HttpError } from "../../server/http_error.ts";

/** Head of a program's response (RFC 3875 § 6). */
export interface CgiResponseHead {
  readonly status: number;
  /** Headers other than `Status` and `Content-Length`. */
  readonly headers: readonly Header[];
  /** The program's `Content-Length`. */
  readonly contentLength?: string;
  /** Path and query of a local redirect: a `Location` on this server without a `Status`. */
  readonly localRedirect?: string;
}

/** Maximum length of a head, in bytes. */
export const maxHeadBytes = 65_536;

const newline = 0x0a;
const carriageReturn = 0x0d;
/** A `token` (RFC 9110 § 5.6.2), a colon and a value. */
const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/s;

/**
 * Returns the offset of the body, after the first empty line; undefined without an empty line.
 *
 * @param from where to search; the bytes before were searched already.
 */
export function endOfHead(bytes: Uint8Array, from: number): number | undefined {
  for (let at = bytes.indexOf(newline, from); at >= 0; at = bytes.indexOf(newline, at + 1)) {
    const before = bytes[at - 1] === carriageReturn ? at - 2 : at - 1;
    if (before < 0 || bytes[before] === newline) return at + 1;
  }
  return undefined;
}

/**
 * Parses a head. Lines end with LF or CR LF.
 *
 * ```
 * Status: 404 Not Found
 * Content-Type: text/plain
 *
 * ```
 *
 * @throws HttpError 502 `BAD_ANSWER` with the reason.
 */
export function readHead(text: ByteString): CgiResponseHead {
  const headers: Header[] = [];
  let status: number | undefined;
  let location: string | undefined;
  let contentLength: string | undefined;
  let hasType = false;
  for (const line of text.split(/\r?\n/)) {
    if (line === "") continue;
    const [, name = "", value = ""] = headerLine.exec(line) ??
      refuse(`${quoted(line)} is not a header`);
    const lower = name.toLowerCase();
    if (lower === "status") status = statusOf(value);
    else if (lower !== "content-length") headers.push([name, value]);
    else if (/^\d{1,15}$/.test(value)) contentLength = value;
    if (lower === "location") location = value;
    if (lower === "content-type") hasType = true;
  }
  if (status === undefined && location === undefined && !hasType) {
    refuse("its head has neither a Content-Type nor a Location nor a Status");
  }
  if (location?.startsWith("/") && status === undefined) {
    return { status: 200, headers, localRedirect: location };
  }
  return { status: status ?? (location === undefined ? 200 : 302), headers, contentLength };
}

/** Returns the error for an invalid response of a program. */
export function invalidResponse(why: string): HttpError {
  return new HttpError(502, "BAD_ANSWER", `the response of the program is invalid: ${why}`);
}

function refuse(why: string): never {
  throw invalidResponse(why);
}

function statusOf(value: string): number {
  const [, digits] = /^([2-5]\d\d)(?:\s|$)/.exec(value) ??
    refuse(`Status must be a number from 200 to 599, got ${quoted(value)}`);
  return Number(digits);
}

/** Quotes the beginning of a text from the program. */
function quoted(text: ByteString): string {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(shown.replace(/[^\x20-\x7e…]/g, "?"));
}
