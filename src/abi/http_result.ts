import {
  type ByteString,
  isAscii,
  readByteString,
  standsAt,
  utf8Text,
} from "../base/byte_string.ts";
import { isError } from "./handler_call.ts";

/** What an http handler answered. `failed` says that the text is an error's, still with its `[ERR][code]:`. */
export interface HttpResult {
  readonly failed: boolean;
  /** A short body of ASCII, or a shorter one of UTF-8, is a string, which is the same bytes: the server sends it in half the time. */
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** As the guest gave them, for `decodeHeaders`. */
  readonly headerList: ByteString;
}

const shortBody = 1024; // bytes that are looked at one by one
const shortText = 128; // bytes that are not all ASCII, made to a text in less time than a copy takes

const bodyMark = "[BODY]";
const headersMark = "[HEADERS]";
const openBracket = 0x5b;

/** Where the last `[HEADERS]` stands, or -1. It is near the end, where `lastIndexOf` takes longer to be called than this to look. */
function lastHeadersMark(bytes: Uint8Array): number {
  let at = bytes.length - headersMark.length;
  while (at >= 0 && !(bytes[at] === openBracket && standsAt(headersMark, bytes, at))) at--;
  return Math.max(at, -1);
}

/**
 * Takes an http handler's result apart.
 *
 * ```
 * [BODY]{"a":1}[HEADERS]Content-Type:application/json|Message:hi
 * [ERR][0]:no such user[HEADERS]
 * ```
 * A body may hold these words: one leading `[BODY]` is taken off, and the headers begin after the last `[HEADERS]`.
 * The body is a copy, for the guest's memory is used again.
 *
 * @see ABI.md, "Strings"
 */
export function decodeHttpResult(result: Uint8Array<ArrayBuffer>): HttpResult {
  let end = result.length;
  let headerList = "";
  const mark = lastHeadersMark(result);
  if (mark >= 0) {
    end = mark;
    headerList = readHeaderList(result, mark + headersMark.length, result.length);
  }
  const failed = isError(result);
  const start = standsAt(bodyMark, result, 0) ? Math.min(bodyMark.length, end) : 0;
  return { failed, body: bodyOf(result, start, end), headerList };
}

/** The list read last. Most answers of a function have the same one: comparing is less work than making it again. */
let lastList: ByteString = "";

function readHeaderList(bytes: Uint8Array, start: number, end: number): ByteString {
  const isSame = lastList.length === end - start && standsAt(lastList, bytes, start);
  if (!isSame) lastList = readByteString(bytes, start, end);
  return lastList;
}

function bodyOf(
  result: Uint8Array<ArrayBuffer>,
  start: number,
  end: number,
): string | Uint8Array<ArrayBuffer> {
  const length = end - start;
  if (length > shortBody) return result.slice(start, end);
  if (isAscii(result, start, end)) return readByteString(result, start, end);
  return (length <= shortText ? utf8Text(result, start, end) : undefined) ??
    result.slice(start, end);
}
