import { BadMessage } from "./bad_message.ts";
import { type BodyKind, chunkedBody, noBody, untilClose } from "./body_kind.ts";
import { byteText, cr, equalsWord, space, valueBytes } from "./characters.ts";
import { type Field, listItems, parseFields, parseLength } from "./fields.ts";

/** An answer's line and headers, checked; the ranges lie in `bytes`, as those of a request do. */
export interface ResponseHead {
  readonly bytes: Uint8Array;
  readonly status: number;
  /** The minor number of `HTTP/1.x`. */
  readonly minor: 0 | 1;
  /** From the status to the end of the first line, the CR LF left out. */
  readonly statusStart: number;
  readonly lineEnd: number;
  readonly fields: readonly Field[];
  readonly body: BodyKind;
  readonly connection: readonly string[];
  readonly keepAlive: boolean;
  /** Seconds that the upstream said it keeps an idle connection. */
  readonly keepAliveSeconds: number | undefined;
}

/**
 * Reads the head of an answer to a request of this method.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-6.3 for where its body ends.
 * @throws BadMessage for what is no answer of HTTP/1.x, or has two readings.
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
  if (!statusLine) throw new BadMessage("the answer does not begin with HTTP/1.1 and a status");
  let lineEnd = start + 12;
  while (valueBytes[bytes[lineEnd] ?? 0] === 1) lineEnd++;
  if (bytes[lineEnd] !== cr) {
    throw new BadMessage("the answer's first line has a control character");
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
          throw new BadMessage("the answer has more than one Content-Length");
        }
        length = parseLength(bytes, field);
        break;
      case "transfer-encoding":
        if (chunked || !equalsWord(bytes, field.valueStart, field.valueEnd, "chunked")) {
          throw new BadMessage('the answer has a Transfer-Encoding other than "chunked"');
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
    throw new BadMessage("the answer has both Content-Length and Transfer-Encoding");
  }
  const bodyless = method === "HEAD" || status < 200 || status === 204 || status === 304;
  const body: BodyKind = bodyless
    ? noBody
    : chunked
    ? chunkedBody
    : length === undefined
    ? untilClose
    : { kind: "length", length };
  // Such an upstream may mean something else than is read here, so nothing after it is believed: a body that a 204 cannot have, and chunks
  // in HTTP/1.0, which does not know them.
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
