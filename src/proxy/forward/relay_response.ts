import type { ClientConnection } from "../../http1/client_connection.ts";
import { BodyReader } from "../../http1/body_reader.ts";
import { listItems } from "../../http1/fields.ts";
import { BadMessage } from "../../http1/message.ts";
import { moveBody, type MoveResult } from "../../http1/move_body.ts";
import type { RequestHead } from "../../http1/request_head.ts";
import { parseResponseHead, type ResponseHead } from "../../http1/response_head.ts";
import type { Wire } from "../../http1/wire.ts";
import type { WriteBuffer } from "../../http1/write_buffer.ts";
import type { RequestSender } from "./request_sender.ts";
import { writeResponseHead } from "./rewrite_head.ts";
import { tunnel } from "./tunnel.ts";

/** The largest number of interim (1xx) responses to one request. */
const maxInterim = 16;

/** The path of a response from an upstream to a client. */
export interface ResponsePath {
  readonly request: RequestHead;
  readonly client: ClientConnection;
  /** The connection to the upstream. */
  readonly wire: Wire;
  readonly sender: RequestSender;
  readonly out: WriteBuffer;
}

/**
 * Reads the head of the final response and forwards interim responses before it. Returns undefined
 * if either connection ended first.
 *
 * @throws BadMessage if the upstream sends what is not a response to this request.
 */
export async function readResponse(path: ResponsePath): Promise<ResponseHead | undefined> {
  const { request, client, wire, sender, out } = path;
  for (let interim = 0;; interim++) {
    const length = await wire.readBlock();
    if (length === 0) return undefined;
    const { bytes, start } = wire;
    const response = parseResponseHead(bytes, start, start + length, request.method);
    wire.consume(length);
    if (response.status === 101) assertUpgrades(response, request, sender);
    if (response.status >= 200 || response.status === 101) return response;
    if (interim === maxInterim) throw new BadMessage("the upstream sent too many 1xx responses");
    if (response.status === 100) sender.continueBody();
    // HTTP/1.0 has no interim responses (RFC 9110 § 15.2).
    if (request.minor === 0) continue;
    writeResponseHead(out, response, { chunked: false, connection: undefined });
    try {
      await out.flush(client.wire, client.timeouts.idleMs);
    } catch {
      client.wire.close();
      return undefined;
    }
  }
}

/** After a 101, client and upstream must agree on the protocol, and on the byte where it begins. */
function assertUpgrades(
  { bytes, fields }: ResponseHead,
  request: RequestHead,
  sender: RequestSender,
): void {
  if (request.upgrade === undefined) {
    throw new BadMessage("the upstream changed the protocol without a request for it");
  }
  if (!sender.isWhole) {
    throw new BadMessage("the upstream changed the protocol before it had the whole request");
  }
  const offered = request.upgrade.toLowerCase().split(",").map((each) => each.trim());
  const chosen = fields.flatMap((field) =>
    field.known === "upgrade" ? listItems(bytes, field) : []
  );
  if (chosen.length === 0 || !chosen.every((each) => offered.includes(each))) {
    throw new BadMessage("the upstream changed to a protocol that the client did not offer");
  }
}

/** Forwards the response to the client; the result is `done` when the client has all of it. */
export async function relayResponse(
  path: ResponsePath,
  response: ResponseHead,
): Promise<MoveResult> {
  const { request: { minor, method }, client, wire, out } = path;
  const { idleMs } = client.timeouts;
  const { kind } = response.body;
  const hasNoLength = kind === "chunked" || kind === "until-close";
  const headSaysChunked = method === "HEAD" &&
    response.fields.some(({ known }) => known === "transfer-encoding");
  const chunked = minor === 1 && (hasNoLength || headSaysChunked);
  // In HTTP/1.0 only the end of the connection marks the end of such a body.
  if (hasNoLength && minor === 0) client.closeAfterResponse();
  const connection = client.connectionHeader(path.request);
  writeResponseHead(out, response, { chunked, connection });
  client.beginResponse();
  return await moveBody({
    body: new BodyReader(wire, response.body),
    from: wire,
    to: client.wire,
    out,
    chunked: chunked && hasNoLength,
    stallMs: idleMs,
    readBy: () => wire.clock.in(idleMs),
  });
}

/** Forwards a 101 and then the bytes of the other protocol until both sides have ended. */
export async function relayUpgrade(
  { client, wire, out }: ResponsePath,
  response: ResponseHead,
): Promise<void> {
  client.beginResponse();
  client.closeAfterResponse();
  writeResponseHead(out, response, { chunked: false, connection: "upgrade" });
  try {
    await out.flush(client.wire, client.timeouts.idleMs);
    await tunnel(client.wire, wire, client.timeouts.idleMs);
  } catch {
    // The client left.
  }
  wire.close();
  client.wire.close();
}
