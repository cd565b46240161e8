import type { ClientInfo } from "../../http1/client_connection.ts";
import { equalsWord } from "../../http1/characters.ts";
import type { Field, KnownHeader } from "../../http1/fields.ts";
import type { WriteBuffer } from "../../http1/write_buffer.ts";
import type { RequestHead } from "../../http1/request_head.ts";
import type { ResponseHead } from "../../http1/response_head.ts";

/**
 * Hop-by-hop headers (RFC 9110 § 7.6.1), which are not forwarded.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
 */
const hopByHop: readonly KnownHeader[] = [
  "connection",
  "keep-alive",
  "proxy-connection", // not standard; old clients send it
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
];
const forwardingHeaders: readonly KnownHeader[] = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
];

const dropped: ReadonlySet<KnownHeader> = new Set(hopByHop);
const droppedWithLength: ReadonlySet<KnownHeader> = new Set([...hopByHop, "content-length"]);
const droppedFromClient: ReadonlySet<KnownHeader> = new Set([
  ...hopByHop,
  ...forwardingHeaders,
  "lookalike",
]);
const droppedFromTrustedProxy: ReadonlySet<KnownHeader> = new Set([
  ...hopByHop,
  "x-forwarded-for",
  "lookalike",
]);

/**
 * Writes the header lines of a request for an upstream and the empty line: the client's own in
 * their order, byte for byte, without hop-by-hop headers, then those of the proxy.
 */
export function writeRequestFields(
  out: WriteBuffer,
  request: RequestHead,
  client: ClientInfo,
): void {
  const { bytes, fields } = request;
  const drop = client.trusted ? droppedFromTrustedProxy : droppedFromClient;
  copyFields(
    out,
    bytes,
    request.replacesHost ? fields.filter(({ known }) => known !== "host") : fields,
    drop,
    request.connection,
  );
  out.text("X-Forwarded-For: ");
  if (client.trusted) {
    for (const field of fields) {
      if (field.known !== "x-forwarded-for" || field.valueStart === field.valueEnd) continue;
      out.bytes(bytes.subarray(field.valueStart, field.valueEnd));
      out.text(", ");
    }
  }
  out.text(`${client.address}\r\n`);
  if (request.host !== undefined && !(client.trusted && has(fields, "x-forwarded-host"))) {
    out.text(`X-Forwarded-Host: ${request.host}\r\n`);
  }
  if (!(client.trusted && has(fields, "x-forwarded-proto"))) {
    out.text(`X-Forwarded-Proto: ${client.protocol}\r\n`);
  }
  out.text(`Via: 1.${request.minor} capsule\r\n`);
  if (request.takesTrailers) out.text("TE: trailers\r\n");
  if (request.body.kind === "chunked") out.text("Transfer-Encoding: chunked\r\n");
  if (request.upgrade !== undefined) {
    out.text(`Connection: Upgrade\r\nUpgrade: ${request.upgrade}\r\n`);
  }
  out.text("\r\n");
}

/** The headers that frame a response for the client. */
export interface ResponseFraming {
  /** True if the body is sent in chunks, or for a `HEAD` would be. */
  readonly chunked: boolean;
  /** The `Connection` header. */
  readonly connection: "close" | "keep-alive" | "upgrade" | undefined;
}

/**
 * Writes the status line, the header lines of a response without hop-by-hop headers, those of the
 * proxy, and the empty line.
 */
export function writeResponseHead(
  out: WriteBuffer,
  response: ResponseHead,
  { chunked, connection }: ResponseFraming,
): void {
  const { bytes, statusStart, lineEnd, fields } = response;
  out.text("HTTP/1.1 ");
  out.bytes(bytes.subarray(statusStart, lineEnd));
  out.text(lineEnd === statusStart + 3 ? " \r\n" : "\r\n");
  copyFields(
    out,
    bytes,
    fields,
    mustHaveNoLength(response) ? droppedWithLength : dropped,
    response.connection,
  );
  if (connection === "upgrade") {
    out.text("Connection: Upgrade\r\n");
    for (const field of fields) {
      if (field.known === "upgrade") out.bytes(bytes.subarray(field.start, field.end));
    }
  } else if (connection !== undefined) out.text(`Connection: ${connection}\r\n`);
  if (chunked) out.text("Transfer-Encoding: chunked\r\n");
  out.text(`Via: 1.${response.minor} capsule\r\n\r\n`);
}

/** Responses without a length (RFC 9110 § 8.6), which would make the next response a body. */
function mustHaveNoLength({ status }: ResponseHead): boolean {
  return status < 200 || status === 204;
}

/** Copies header lines in runs between dropped ones. */
function copyFields(
  out: WriteBuffer,
  bytes: Uint8Array,
  fields: readonly Field[],
  drop: ReadonlySet<KnownHeader>,
  connection: readonly string[],
): void {
  const named = connection.filter((item) =>
    item !== "close" && item !== "keep-alive" && item !== "upgrade"
  );
  let runStart = -1;
  let runEnd = 0;
  for (const field of fields) {
    // `Connection` must not name headers that frame the message.
    const isDropped = field.known === undefined
      ? named.some((name) => equalsWord(bytes, field.start, field.nameEnd, name))
      : drop.has(field.known);
    if (!isDropped) {
      if (runStart < 0) runStart = field.start;
      runEnd = field.end;
    } else if (runStart >= 0) {
      out.bytes(bytes.subarray(runStart, runEnd));
      runStart = -1;
    }
  }
  if (runStart >= 0) out.bytes(bytes.subarray(runStart, runEnd));
}

function has(fields: readonly Field[], name: KnownHeader): boolean {
  return fields.some(({ known }) => known === name);
}
