import { encodeByteString, writeByteString } from "../../base/byte_string.ts";
import { byteText } from "../../http1/characters.ts";
import type { ClientConnection } from "../../http1/client_connection.ts";
import type { RequestHead } from "../../http1/request_head.ts";
import { httpDate, statusLine } from "../../http1/status_line.ts";
import type { Fields } from "../../wasi/p2/fields.ts";
import type { OutgoingBytes } from "../../wasi/p2/http_body.ts";
import type { OutgoingResponse } from "../../wasi/p2/http_types.ts";

/** The framing of a content that is not complete when its head is sent. */
type Framing = "length" | "chunked" | "until-close";

/**
 * Sends a response, while its guest may still write it. Hot path: one promise for a response that
 * is complete (bench: `components`).
 *
 * @throws Error if the client left, or if the guest did not finish the response. Rejected.
 */
export function sendResponse(
  response: OutgoingResponse,
  request: RequestHead,
  client: ClientConnection,
): Promise<void> {
  const content = contentOf(response, request);
  client.beginResponse();
  if (content.kind === "stream" && content.framing === "until-close") client.closeAfterResponse();
  const head = headOf(response, content, client.connectionHeader(request));
  const { wire, timeouts: { idleMs } } = client;
  if (content.kind === "stream") return stream(content, head, { request, client });
  if (content.kind === "none") return wire.write(encodeByteString(head), idleMs);
  const { bytes } = content;
  if (head.length <= bytes.byteOffset) return wire.write(preceded(head, bytes), idleMs);
  return wire.write(encodeByteString(head), idleMs).then(() => wire.write(bytes, idleMs));
}

/** The content of a response, as far as it is known when the head is sent. */
type Content =
  | { readonly kind: "none"; readonly length: number | undefined }
  | { readonly kind: "whole"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "stream"; readonly bytes: OutgoingBytes; readonly framing: Framing };

function contentOf({ status, body }: OutgoingResponse, request: RequestHead): Content {
  const none = (length?: number): Content => {
    body?.bytes.discard();
    return { kind: "none", length };
  };
  if (status === 205) return none(0);
  if (status === 204 || status === 304) return none();
  const bytes = body?.bytes;
  if (request.method === "HEAD") return none(bytes?.expected ?? bytes?.takeWhole()?.length);
  if (!bytes) return { kind: "none", length: 0 };
  const isChunked = request.minor === 1 && bytes.expected === undefined;
  const mayHaveTrailers = isChunked && request.takesTrailers && bytes.trailers !== undefined;
  const whole = mayHaveTrailers ? undefined : bytes.takeWhole();
  if (whole) return { kind: "whole", bytes: whole };
  const framing = bytes.expected !== undefined ? "length" : isChunked ? "chunked" : "until-close";
  return { kind: "stream", bytes, framing };
}

/** Sends a content as its guest writes it. */
async function stream(
  { bytes, framing }: Content & { readonly kind: "stream" },
  head: string,
  { request, client }: { readonly request: RequestHead; readonly client: ClientConnection },
): Promise<void> {
  const { wire, timeouts: { idleMs } } = client;
  await wire.write(encodeByteString(head), idleMs);
  for (let piece = await bytes.next(); piece; piece = await bytes.next()) {
    await wire.write(framing === "chunked" ? chunkOf(piece) : piece, idleMs);
    bytes.recycle(piece);
  }
  if (framing !== "chunked") return;
  const trailers = request.takesTrailers ? linesOf(bytes.trailers) : "";
  await wire.write(encodeByteString(`0\r\n${trailers}\r\n`), idleMs);
}

/** Returns the bytes as a chunk (RFC 9112 § 7.1), whose size and end are written around them. */
function chunkOf(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = bytes;
  const longer = new Uint8Array(buffer, byteOffset, length + lineEnd.length);
  longer.set(lineEnd, length);
  return preceded(`${length.toString(16)}\r\n`, longer);
}

const lineEnd = encodeByteString("\r\n");

/** Writes a text into the room before bytes, and returns both. */
function preceded(text: string, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = bytes;
  const whole = new Uint8Array(buffer, byteOffset - text.length, text.length + length);
  writeByteString(text, whole, 0);
  return whole;
}

function headOf(
  { status, headers }: OutgoingResponse,
  content: Content,
  connection: string | undefined,
): string {
  let text = statusLine(status) + "\r\n";
  let hasDate = false;
  let length = content.kind === "whole" ? content.bytes.length : undefined;
  if (content.kind === "none") length = content.length;
  for (const [name, value] of headers.entries) {
    if (name === "content-length") {
      // What is sent counts; without content it is the length of another response.
      const isKept = content.kind === "none" ? status === 304 : content.kind === "stream";
      if (isKept) length ??= Number(byteText(value));
      continue;
    }
    hasDate ||= name === "date";
    text += `${name}: ${byteText(value)}\r\n`;
  }
  if (length !== undefined) text += `content-length: ${length}\r\n`;
  else if (content.kind === "stream" && content.framing === "chunked") {
    text += "transfer-encoding: chunked\r\n";
  }
  if (!hasDate) text += `date: ${httpDate()}\r\n`;
  if (connection !== undefined) text += `connection: ${connection}\r\n`;
  return text + "\r\n";
}

/** Fields that must not be trailers (RFC 9110 § 6.5.1). */
const noTrailers: ReadonlySet<string> = new Set([
  ...["content-length", "content-encoding", "content-type", "content-range", "trailer", "te"],
  ...["authorization", "www-authenticate", "set-cookie", "cache-control", "expect", "range"],
]);

function linesOf(trailers: Fields | undefined): string {
  let text = "";
  for (const [name, value] of trailers?.entries ?? []) {
    if (!noTrailers.has(name)) text += `${name}: ${byteText(value)}\r\n`;
  }
  return text;
}
