import { readByteString } from "./byte_string.ts";
import { decodeHeaders, type Header } from "./headers.ts";

/** What an http handler answered. `failed` says that the text is an error's, still with its `[ERR][code]:`. */
export interface HttpResult {
  readonly failed: boolean;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: Header[];
}

const ascii = (text: string) => new TextEncoder().encode(text);
const bodyMark = ascii("[BODY]");
const errorMark = ascii("[ERR]");
const headersMark = ascii("[HEADERS]");
const openBracket = 0x5b;

function standsAt(bytes: Uint8Array, mark: Uint8Array, offset: number): boolean {
  if (offset + mark.length > bytes.length) return false;
  for (let i = 0; i < mark.length; i++) if (bytes[offset + i] !== mark[i]) return false;
  return true;
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
  let headers: Header[] = [];
  for (
    let at = result.lastIndexOf(openBracket);
    at >= 0;
    at = at > 0 ? result.lastIndexOf(openBracket, at - 1) : -1
  ) {
    if (!standsAt(result, headersMark, at)) continue;
    end = at;
    headers = decodeHeaders(readByteString(result, at + headersMark.length, result.length));
    break;
  }
  const failed = standsAt(result, errorMark, 0);
  const start = standsAt(result, bodyMark, 0) ? Math.min(bodyMark.length, end) : 0;
  return { failed, body: result.slice(start, end), headers };
}
