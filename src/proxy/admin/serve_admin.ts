import type { ClientConnection } from "../clients/client_connection.ts";
import { badRequest } from "../clients/client_connection.ts";
import { jsonFailure } from "../clients/local_response.ts";
import { BadMessage } from "../http1/bad_message.ts";
import { byteText } from "../http1/characters.ts";
import type { RequestHead } from "../http1/request_head.ts";

/** What a body of the admin interface may have. */
const maxBodyBytes = 64 * 1024;

/** Reads the request whole and lets a handler of the fetch kind answer it. */
export async function serveAdmin(
  request: RequestHead,
  client: ClientConnection,
  handler: (request: Request) => Response | Promise<Response>,
): Promise<void> {
  // Before the body is read, which overwrites them.
  const headers = new Headers();
  for (const { start, nameEnd, valueStart, valueEnd } of request.fields) {
    headers.append(
      byteText(request.bytes, start, nameEnd),
      byteText(request.bytes, valueStart, valueEnd),
    );
  }
  const url = URL.parse(
    `${client.sender.protocol}://${request.host ?? "localhost"}${request.target}`,
  );
  if (url === null) {
    return await client.respond(jsonFailure(400, "BAD_REQUEST", "the target is no URL"), request);
  }
  const body = await readWhole(request, client);
  if (body === undefined) return;
  const hasBody = request.method !== "GET" && request.method !== "HEAD" && body.length > 0;
  let fetched: Request;
  try {
    // A HEAD is told the length that a GET has.
    const method = request.method === "HEAD" ? "GET" : request.method;
    fetched = new Request(url, { method, headers, ...(hasBody && { body }) });
  } catch {
    return await client.respond(
      jsonFailure(501, "NOT_IMPLEMENTED", "no page takes this method"),
      request,
    );
  }
  const response = await handler(fetched);
  await client.respond({
    status: response.status,
    headers: [...response.headers],
    body: new Uint8Array(await response.arrayBuffer()),
  }, request);
}

/** The body; `undefined` when it was too large, or broken, and the client has been told. */
async function readWhole(
  request: RequestHead,
  client: ClientConnection,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { wire, body, patience, timeouts } = client;
  const whole = new Uint8Array(maxBodyBytes);
  let length = 0;
  const tooLarge = `a body may have ${maxBodyBytes} bytes, this one has more`;
  if (request.body.kind === "length" && request.body.length > maxBodyBytes) {
    await client.respond(jsonFailure(413, "BODY_TOO_LARGE", tooLarge), request);
    return undefined;
  }
  try {
    if (request.expectsContinue && !body.done) {
      await wire.write(new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n"), timeouts.idleMs);
    }
    while (!body.done) {
      const before = wire.start;
      const piece = body.take(maxBodyBytes);
      if (length + piece.length > maxBodyBytes) {
        await client.respond(jsonFailure(413, "BODY_TOO_LARGE", tooLarge), request);
        return undefined;
      }
      whole.set(piece, length);
      length += piece.length;
      if (piece.length > 0 || wire.start !== before) continue;
      wire.readByMs = patience.readBy();
      const buffered = wire.buffered;
      if (!await wire.fill()) return undefined;
      wire.readByMs = Infinity;
      patience.got(wire.buffered - buffered);
    }
  } catch (error) {
    if (error instanceof BadMessage) await client.respond(badRequest(error), undefined);
    else wire.close();
    return undefined;
  }
  return whole.slice(0, length);
}
