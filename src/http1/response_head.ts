import { BadMessage } from "./message.ts";
import { type BodyKind, chunkedBody, noBody, untilClose } from "./message.ts";
import { byteText, cr, equalsWord, space, valueBytes } from "./characters.ts";
import { type Field, listItems, parseFields, parseLength } from "./fields.ts";

/** The valid head of a response, with ranges in `bytes` as in a `RequestHead`. */
export interface ResponseHead {
  readonly bytes: Uint8Array;
  readonly status: number;
  /** The minor number of `HTTP/1.x`. */
  readonly minor: 0 | 1;
  /** The range of the status and the reason, without CR LF. */
  readonly statusStart: number;
  readonly lineEnd: number;
  readonly fields: readonly Field[];
  readonly body: BodyKind;
  readonly connection: readonly string[];
  readonly keepAlive: boolean;
  /** The `timeout` of `Keep-Alive`: how long the upstream keeps an idle connection. */
  readonly keepAliveSeconds: number | undefined;
}

/**
 * Parses the head of a response to a request of this method.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-6.3 for the end of its body.
 * @throws BadMessage if it is not a response of HTTP/1.x, or two clients could read it differently.
 */
export function parseResponseHead(
  bytes: Uint8Array,
  start: number,
  end: number,
  method: string,
): ResponseHead {
  const version = byteText(bytes, start, start + 8);
  const digits = byteText(bytes, start + 9, start + 12);
  const afterStatus = bytes[start + 12];
  const statusLine = (version === "HTTP/1.1" || version === "HTTP/1.0") &&
    bytes[start + 8] === space &&
    /^[1-9]\d\d$/.test(digits) && (afterStatus === space || afterStatus === cr);
  if (!statusLine) throw new BadMessage("the response does not begin with HTTP/1.1 and a status");
  let lineEnd = start + 12;
  while (valueBytes[bytes[lineEnd] ?? 0] === 1) lineEnd++;
  if (bytes[lineEnd] !== cr) {
    throw new BadMessage("the response's first line has a control character");
  }

  const status = Number(digits);
  const minor = version === "HTTP/1.1" ? 1 : 0;
  const fields = parseFields(bytes, lineEnd + 2, end);
  let length: number | undefined;
  let chunked = false;
  let connection: readonly string[] = [];
  let keepAliveSeconds: number | undefined;
  for (const field of fields) {
    switch (field.known) {
      case undefined:
        break;
      case "content-length":
        if (length !== undefined) {
          throw new BadMessage("the response has more than one Content-Length");
        }
        length = parseLength(bytes, field);
        break;
      case "transfer-encoding":
        if (chunked || !equalsWord(bytes, field.valueStart, field.valueEnd, "chunked")) {
          throw new BadMessage('the response has a Transfer-Encoding other than "chunked"');
        }
        chunked = true;
        break;
      case "connection":
        connection = [...connection, ...listItems(bytes, field)];
        break;
      case "keep-alive": {
        const said = /timeout=(\d{1,6})/i.exec(byteText(bytes, field.valueStart, field.valueEnd))
          ?.[1];
        if (said !== undefined) keepAliveSeconds = Number(said);
        break;
      }
    }
  }
  if (chunked && length !== undefined) {
    throw new BadMessage("the response has both Content-Length and Transfer-Encoding");
  }
  const bodyless = method === "HEAD" || status < 200 || status === 204 || status === 304;
  const body: BodyKind = bodyless
    ? noBody
    : chunked
    ? chunkedBody
    : length === undefined
    ? untilClose
    : { kind: "length", length };
  // A 204 with a body and chunks in HTTP/1.0 are ambiguous: the connection is not used again.
  const isOdd = (status === 204 && (chunked || (length ?? 0) > 0)) || (minor === 0 && chunked);
  return {
    bytes,
    status,
    minor,
    statusStart: start + 9,
    lineEnd,
    fields,
    body,
    connection,
    keepAlive: body.kind !== "until-close" && !isOdd &&
      (minor === 1 ? !connection.includes("close") : connection.includes("keep-alive")),
    keepAliveSeconds,
  };
}
