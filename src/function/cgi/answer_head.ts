import type { ByteString } from "../../base/byte_string.ts";
import type { Header } from "../../abi/headers.ts";
import { HttpError } from "../../server/http_error.ts";

/** What a program says of its answer before the body (RFC 3875, 6). */
export interface AnswerHead {
  readonly status: number;
  /** Without `Status`, and without `Content-Length`, which the server counts. */
  readonly headers: readonly Header[];
  /** What a program says of the length of a body that it does not write, as for `HEAD`. */
  readonly contentLength?: string;
  /** The path and query that is to be answered instead: a `Location` on this server and no `Status`. */
  readonly insteadOf?: string;
}

/** The largest head that is taken, in bytes. */
export const maxHeadBytes = 65_536;

const newline = 0x0a;
const carriageReturn = 0x0d;
/** `token` of RFC 9110, 5.6.2, before the colon. */
const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/s;

/** Where the body begins: behind the first empty line; `undefined` while there is none. `from` is where to look on. */
export function endOfHead(bytes: Uint8Array, from: number): number | undefined {
  for (let at = bytes.indexOf(newline, from); at >= 0; at = bytes.indexOf(newline, at + 1)) {
    const before = bytes[at - 1] === carriageReturn ? at - 2 : at - 1;
    if (before < 0 || bytes[before] === newline) return at + 1;
  }
  return undefined;
}

/**
 * Reads a head: lines that end with a line feed, or with carriage return and line feed.
 *
 * ```
 * Status: 404 Not Found
 * Content-Type: text/plain
 *
 * ```
 *
 * @throws HttpError 502 `BAD_ANSWER` that says what is wrong with it.
 */
export function readHead(text: ByteString): AnswerHead {
  const headers: Header[] = [];
  let status: number | undefined;
  let location: string | undefined;
  let contentLength: string | undefined;
  let hasType = false;
  for (const line of text.split(/\r?\n/)) {
    if (line === "") continue;
    const [, name = "", value = ""] = headerLine.exec(line) ??
      refuse(`${quoted(line)} is no header`);
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
    return { status: 200, headers, insteadOf: location };
  }
  return { status: status ?? (location === undefined ? 200 : 302), headers, contentLength };
}

/** What is wrong with an answer that is none. */
export function badAnswer(why: string): HttpError {
  return new HttpError(502, "BAD_ANSWER", `the program gave no valid answer: ${why}`);
}

function refuse(why: string): never {
  throw badAnswer(why);
}

function statusOf(value: string): number {
  const [, digits] = /^([2-5]\d\d)(?:\s|$)/.exec(value) ??
    refuse(`Status must be a number from 200 to 599, got ${quoted(value)}`);
  return Number(digits);
}

/** The beginning of something that a program wrote, for a message. */
function quoted(text: ByteString): string {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(shown.replace(/[^\x20-\x7e…]/g, "?"));
}
