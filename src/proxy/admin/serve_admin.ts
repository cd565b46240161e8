import { badRequest, type ClientConnection } from "../../http1/client_connection.ts";
import { jsonFailure } from "../../http1/local_response.ts";
import { BadMessage } from "../../http1/message.ts";
import { byteText } from "../../http1/characters.ts";
import type { RequestHead } from "../../http1/request_head.ts";

/** The largest body of an admin request. */
const maxBodyBytes = 64 * 1024;

/** Reads a whole request and responds by a fetch handler. */
export async function serveAdmin(
  request: RequestHead,
  client: ClientConnection,
  handler: (request: Request) => Response | Promise<Response>,
): Promise<void> {
  // Before the body is read, which overwrites the buffer.
  const headers = new Headers();
  for (const { start, nameEnd, valueStart, valueEnd } of request.fields) {
    headers.append(
      byteText(request.bytes, start, nameEnd),
      byteText(request.bytes, valueStart, valueEnd),
    );
  }
  if (request.host !== undefined) headers.set("host", request.host);
  const url = URL.parse(
    `${client.info.protocol}://${request.host ?? "localhost"}${request.target}`,
  );
  if (url === null) {
    return await client.respond(
      jsonFailure(400, "BAD_REQUEST", "the target is not a URL"),
      request,
    );
  }
  const body = await readWhole(request, client);
  if (body === undefined) return;
  const hasBody = request.method !== "GET" && request.method !== "HEAD" && body.length > 0;
  let fetched: Request;
  try {
    // The response to a HEAD has the length of that to a GET.
    const method = request.method === "HEAD" ? "GET" : request.method;
    fetched = new Request(url, { method, headers, ...(hasBody && { body }) });
  } catch {
    return await client.respond(
      jsonFailure(501, "NOT_IMPLEMENTED", "this method is not implemented"),
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

/** Returns the body; undefined if it is too large or invalid, and the client has an error. */
async function readWhole(
  request: RequestHead,
  client: ClientConnection,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { wire, body, timeouts } = client;
  const whole = new Uint8Array(maxBodyBytes);
  let length = 0;
  const tooLarge = `the body exceeds ${maxBodyBytes} bytes`;
  if (request.body.kind === "length" && request.body.length > maxBodyBytes) {
    await client.respond(jsonFailure(413, "BODY_TOO_LARGE", tooLarge), request);
    return undefined;
  }
  try {
    if (request.expectsContinue && !body.done) {
      await wire.write(new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n"), timeouts.idleMs);
    }
    for (;;) {
      const piece = await client.readBody(maxBodyBytes);
      if (piece === undefined) return undefined;
      if (piece.length === 0) break;
      if (length + piece.length > maxBodyBytes) {
        await client.respond(jsonFailure(413, "BODY_TOO_LARGE", tooLarge), request);
        return undefined;
      }
      whole.set(piece, length);
      length += piece.length;
    }
  } catch (error) {
    if (error instanceof BadMessage) await client.respond(badRequest(error), undefined);
    else wire.close();
    return undefined;
  }
  return whole.slice(0, length);
}
