import {
  type ByteString,
  hasByteStringAt,
  isAscii,
  readByteString,
  utf8Text,
} from "../base/byte_string.ts";
import { isError } from "./handler_call.ts";
import { maxHeaderListBytes } from "./headers.ts";

/** Result of an http handler. */
export interface HttpResult {
  /** True if `body` is an error message, still with its `[ERR][code]:`. */
  readonly failed: boolean;
  /** A string if the body is short and valid UTF-8: hot path, sent faster (bench: `throughput`). */
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** The guest's header list, for `decodeHeaders`; up to `maxHeaderListBytes` + 1 bytes. */
  readonly headerList: ByteString;
}

/** Up to this length an ASCII body becomes a string. */
const maxAsciiBytes = 1024;
/** Up to this length any UTF-8 body does. */
const maxTextBytes = 128;

const bodyMark = "[BODY]";
const headersMark = "[HEADERS]";
const openBracket = 0x5b;

/** `[HEADERS]` is looked for in this many bytes at the end of a result. */
const maxSearchBytes = 4 * maxHeaderListBytes;

/** Returns the offset of the last `[HEADERS]`, or -1. Usually it is near the end. */
function lastHeadersMark(bytes: Uint8Array): number {
  const first = Math.max(0, bytes.length - maxSearchBytes);
  let at = bytes.length - headersMark.length;
  while (at >= first && !(bytes[at] === openBracket && hasByteStringAt(headersMark, bytes, at))) {
    at--;
  }
  return at < first ? -1 : at;
}

/**
 * Decodes an http handler's result.
 *
 * ```
 * [BODY]{"a":1}[HEADERS]Content-Type:application/json|Message:hi
 * [ERR][0]:no such user[HEADERS]
 * ```
 * A body may contain these marks: one leading `[BODY]` is removed, and the headers begin after the
 * last `[HEADERS]`. The body is copied out of the guest's memory.
 */
export function decodeHttpResult(result: Uint8Array<ArrayBuffer>): HttpResult {
  let end = result.length;
  let headerList = "";
  const mark = lastHeadersMark(result);
  if (mark >= 0) {
    end = mark;
    const listStart = mark + headersMark.length;
    // One byte beyond the limit shows that the list is longer.
    const listEnd = Math.min(result.length, listStart + maxHeaderListBytes + 1);
    headerList = readHeaderList(result, listStart, listEnd);
  }
  const failed = isError(result);
  const start = hasByteStringAt(bodyMark, result, 0) ? Math.min(bodyMark.length, end) : 0;
  return { failed, body: bodyOf(result, start, end), headerList };
}

/**
 * The list read last. Hot path: most results of a function have the same one (bench: `in-process`).
 */
let lastList: ByteString = "";

function readHeaderList(bytes: Uint8Array, start: number, end: number): ByteString {
  const isSame = lastList.length === end - start && hasByteStringAt(lastList, bytes, start);
  if (!isSame) lastList = readByteString(bytes, start, end);
  return lastList;
}

function bodyOf(
  result: Uint8Array<ArrayBuffer>,
  start: number,
  end: number,
): string | Uint8Array<ArrayBuffer> {
  const length = end - start;
  if (length > maxAsciiBytes) return result.slice(start, end);
  if (isAscii(result, start, end)) return readByteString(result, start, end);
  return (length <= maxTextBytes ? utf8Text(result, start, end) : undefined) ??
    result.slice(start, end);
}
