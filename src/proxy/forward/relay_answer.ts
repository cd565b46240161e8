import type { ClientConnection } from "../clients/client_connection.ts";
import { BadMessage } from "../http1/bad_message.ts";
import { BodyReader } from "../http1/body_reader.ts";
import { listItems } from "../http1/fields.ts";
import { moveBody, type Moved } from "../http1/move_body.ts";
import type { Outbox } from "../http1/outbox.ts";
import type { RequestHead } from "../http1/request_head.ts";
import { parseResponseHead, type ResponseHead } from "../http1/response_head.ts";
import type { Wire } from "../http1/wire.ts";
import { writeResponseHead } from "./rewrite_head.ts";
import type { Sending } from "./send_request.ts";
import { tunnel } from "./tunnel.ts";

/** Answers of 1xx before the answer. */
const maxInterim = 16;

/** One way from an upstream to a client. */
export interface AnswerPath {
  readonly request: RequestHead;
  readonly client: ClientConnection;
  /** The upstream's connection. */
  readonly wire: Wire;
  readonly sending: Sending;
  readonly outbox: Outbox;
}

/**
 * The answer's head, the interim ones before it passed on; `undefined` when either connection ended first.
 *
 * @throws BadMessage for what is no answer to this request.
 */
export async function readAnswer(path: AnswerPath): Promise<ResponseHead | undefined> {
  const { request, client, wire, sending, outbox } = path;
  for (let interim = 0;; interim++) {
    const end = await wire.readBlock();
    if (end === 0) return undefined;
    const answer = parseResponseHead(wire.bytes, wire.start, end, request.method);
    wire.start = end;
    if (answer.status === 101) assertUpgrades(answer, request, sending);
    if (answer.status >= 200 || answer.status === 101) return answer;
    if (interim === maxInterim) throw new BadMessage("the upstream sent too many 1xx answers");
    if (answer.status === 100) sending.continued();
    if (request.minor === 0) continue;
    writeResponseHead(outbox, answer, { chunked: false, connection: undefined });
    try {
      await outbox.flush(client.wire, client.timeouts.idleMs);
    } catch {
      client.wire.close();
      return undefined;
    }
  }
}

/** What goes both ways after a `101` is nobody's request any more, so both sides must mean the same by it, and at the same byte. */
function assertUpgrades(
  { bytes, fields }: ResponseHead,
  request: RequestHead,
  sending: Sending,
): void {
  if (request.upgrade === undefined) {
    throw new BadMessage("the upstream changed the protocol without being asked");
  }
  if (!sending.isWhole) {
    throw new BadMessage("the upstream changed the protocol before it had the whole request");
  }
  const asked = request.upgrade.toLowerCase().split(",").map((each) => each.trim());
  const chosen = fields.flatMap((field) =>
    field.known === "upgrade" ? listItems(bytes, field) : []
  );
  if (chosen.length === 0 || !chosen.every((each) => asked.includes(each))) {
    throw new BadMessage("the upstream changed to a protocol that was not asked for");
  }
}

/** Passes the answer on, and says how that ended: `done` when the client has all of it. */
export async function relayAnswer(path: AnswerPath, answer: ResponseHead): Promise<Moved> {
  const { request: { minor, method }, client, wire, outbox } = path;
  const { idleMs } = client.timeouts;
  const { kind } = answer.body;
  const framedByChunks = kind === "chunked" || kind === "until-close";
  const saidChunked = method === "HEAD" &&
    answer.fields.some(({ known }) => known === "transfer-encoding");
  const chunked = minor === 1 && (framedByChunks || saidChunked);
  // A client of HTTP/1.0 sees the end of such a body by the end of its connection only.
  if (framedByChunks && minor === 0) client.keep = false;
  writeResponseHead(outbox, answer, { chunked, connection: client.connectionHeader(path.request) });
  client.answered = true;
  return await moveBody({
    body: new BodyReader(wire, answer.body),
    from: wire,
    to: client.wire,
    outbox,
    chunked: chunked && framedByChunks,
    stallMs: idleMs,
    readBy: () => wire.clock.in(idleMs),
  });
}

/** The client and the upstream speak something else from now on, until both have ended. */
export async function relayUpgrade(
  { client, wire, outbox }: AnswerPath,
  answer: ResponseHead,
): Promise<void> {
  client.answered = true;
  client.keep = false;
  writeResponseHead(outbox, answer, { chunked: false, connection: "upgrade" });
  try {
    await outbox.flush(client.wire, client.timeouts.idleMs);
    client.wire.onEnd = undefined;
    await tunnel(client.wire, wire, client.timeouts.idleMs);
  } catch {
    // The client went away meanwhile.
  }
  wire.close();
  client.wire.close();
}
