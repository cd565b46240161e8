import type { Sender } from "../clients/sender.ts";
import { equalsWord } from "../http1/characters.ts";
import type { Field, KnownName } from "../http1/fields.ts";
import type { Outbox } from "../http1/outbox.ts";
import type { RequestHead } from "../http1/request_head.ts";
import type { ResponseHead } from "../http1/response_head.ts";

/** Headers that concern one connection, or that this proxy writes itself. @see https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
const ofOneConnection: readonly KnownName[] = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
];
const whereItCameFrom: readonly KnownName[] = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
];

const dropped: ReadonlySet<KnownName> = new Set(ofOneConnection);
const droppedWithLength: ReadonlySet<KnownName> = new Set([...ofOneConnection, "content-length"]);
const droppedOfStranger: ReadonlySet<KnownName> = new Set([
  ...ofOneConnection,
  ...whereItCameFrom,
  "lookalike",
]);
const droppedOfTrusted: ReadonlySet<KnownName> = new Set([
  ...ofOneConnection,
  "x-forwarded-for",
  "lookalike",
]);

/**
 * Writes the header lines for an upstream: the client's own as they came, byte for byte and in their order, without those of its connection;
 * then ours, and the empty line.
 */
export function writeRequestFields(
  out: Outbox,
  request: RequestHead,
  sender: Sender,
): void {
  const { bytes, fields } = request;
  copyFields(
    out,
    bytes,
    fields,
    sender.trusted ? droppedOfTrusted : droppedOfStranger,
    request.connection,
  );
  out.text("X-Forwarded-For: ");
  if (sender.trusted) {
    for (const field of fields) {
      if (field.known !== "x-forwarded-for" || field.valueStart === field.valueEnd) continue;
      out.bytes(bytes.subarray(field.valueStart, field.valueEnd));
      out.text(", ");
    }
  }
  out.text(`${sender.address}\r\n`);
  if (request.host !== undefined && !(sender.trusted && has(fields, "x-forwarded-host"))) {
    out.text(`X-Forwarded-Host: ${request.host}\r\n`);
  }
  if (!(sender.trusted && has(fields, "x-forwarded-proto"))) {
    out.text(`X-Forwarded-Proto: ${sender.protocol}\r\n`);
  }
  out.text(`Via: 1.${request.minor} capsule\r\n`);
  if (request.takesTrailers) out.text("TE: trailers\r\n");
  if (request.body.kind === "chunked") out.text("Transfer-Encoding: chunked\r\n");
  if (request.upgrade !== undefined) {
    out.text(`Connection: Upgrade\r\nUpgrade: ${request.upgrade}\r\n`);
  }
  out.text("\r\n");
}

/** How an answer goes to the client. */
export interface ResponseFraming {
  /** The body goes out in chunks (for a `HEAD`: would). */
  readonly chunked: boolean;
  /** What the client is told of its connection. */
  readonly connection: "close" | "keep-alive" | "upgrade" | undefined;
}

/** Writes the status line and the headers for the client, as they came but for those of the upstream's connection, and the empty line. */
export function writeResponseHead(
  out: Outbox,
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
    hasNoLength(response) ? droppedWithLength : dropped,
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

/** Answers that must not speak of a length: a client that believed it would take the next answer for a body. */
function hasNoLength({ status }: ResponseHead): boolean {
  return status < 200 || status === 204;
}

/** Copies lines in runs, from one that is dropped to the next. */
function copyFields(
  out: Outbox,
  bytes: Uint8Array,
  fields: readonly Field[],
  drop: ReadonlySet<KnownName>,
  connection: readonly string[],
): void {
  const named = connection.filter((item) =>
    item !== "close" && item !== "keep-alive" && item !== "upgrade"
  );
  let runStart = -1;
  let runEnd = 0;
  for (const field of fields) {
    // What frames the message stays, whatever `Connection` says of it.
    const goes = field.known === undefined
      ? named.some((name) => equalsWord(bytes, field.start, field.nameEnd, name))
      : drop.has(field.known);
    if (!goes) {
      if (runStart < 0) runStart = field.start;
      runEnd = field.end;
    } else if (runStart >= 0) {
      out.bytes(bytes.subarray(runStart, runEnd));
      runStart = -1;
    }
  }
  if (runStart >= 0) out.bytes(bytes.subarray(runStart, runEnd));
}

function has(fields: readonly Field[], name: KnownName): boolean {
  return fields.some(({ known }) => known === name);
}
