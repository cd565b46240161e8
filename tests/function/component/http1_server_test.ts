import assert from "node:assert/strict";
import { encodeByteString } from "../../../src/base/byte_string.ts";
import type { ComponentCaller } from "../../../src/function/component/component_caller.ts";
import type { Exchange } from "../../../src/function/component/exchange.ts";
import { createComponentServer } from "../../../src/function/component/http1_server.ts";
import type { RequestBody } from "../../../src/function/component/request_body.ts";
import type { ComponentRequestHead } from "../../../src/function/component/request_head.ts";
import { byteText } from "../../../src/http1/characters.ts";
import { ClientConnection } from "../../../src/http1/client_connection.ts";
import { TickClock } from "../../../src/http1/tick_clock.ts";
import { defaultConnectionTimeouts } from "../../../src/http1/timeouts.ts";
import { Wire } from "../../../src/http1/wire.ts";
import { OutgoingBody, OutgoingBytes } from "../../../src/wasi/p2/http_body.ts";
import { OutgoingResponse } from "../../../src/wasi/p2/http_types.ts";
import { Fields } from "../../../src/wasi/p2/fields.ts";

/**
 * Serves one request in pieces by `handle`, and returns the response.
 *
 * @param options.bytes the body of the response.
 * @param options.onWrite called during each write to the client.
 */
async function serveOnce(
  pieces: readonly string[],
  handle: (head: ComponentRequestHead, body: RequestBody) => Promise<void>,
  { bytes, onWrite = () => {} }: { bytes?: OutgoingBytes; onWrite?: () => void } = {},
): Promise<string> {
  using clock = new TickClock(1000);
  const left = [...pieces];
  let sent = "";
  const wire = new Wire({
    read: (room) => {
      const bytes = encodeByteString(left[0]?.slice(0, room.length) ?? "");
      room.set(bytes);
      if (left.length > 0) left[0] = left[0]?.slice(bytes.length) ?? "";
      if (left[0] === "") left.shift();
      return Promise.resolve(bytes.length || null);
    },
    write: (bytes) => {
      sent += byteText(bytes);
      onWrite();
      return Promise.resolve(bytes.length);
    },
    close: () => {},
  }, clock);
  const caller = {
    async call(head: ComponentRequestHead, body: RequestBody) {
      await handle(head, body);
      body.close();
      const set = new OutgoingResponse(new Fields().frozen());
      if (bytes) set.body = new OutgoingBody(bytes);
      return { set, onAbandoned: () => {} } as unknown as Exchange;
    },
    failed: (error: unknown) => new Response(String(error), { status: 500 }),
  } as unknown as ComponentCaller;
  const serve = createComponentServer(caller, { ownPage: () => undefined });
  const info = { address: "", trusted: false, protocol: "http" } as const;
  await new ClientConnection(wire, info, defaultConnectionTimeouts).run(serve);
  return sent;
}

/** Reads a body as a guest that waits. */
async function readAll({ stream }: RequestBody): Promise<string> {
  let text = "";
  try {
    for (;;) {
      const bytes = stream.read(65_536);
      if (bytes.length > 0) text += byteText(bytes);
      else await new Promise<void>((resolve) => stream.whenReady(resolve));
    }
  } catch {
    return text;
  }
}

Deno.test("component server: a head that is read late is that of the request", async () => {
  const body = Array.from({ length: 30_000 }, (_, at) => `${at} `).join("");
  const head = `POST /a?b HTTP/1.1\r\nHost: h\r\nX-Late: value\r\nContent-Length: ${body.length}`;
  let late: string | undefined;
  let received = "";
  const sent = await serveOnce([`${head}\r\n\r\n`, body], async (head, body) => {
    received = await readAll(body);
    late = head.headers.get("x-late").map((value) => byteText(value)).join();
  });
  assert.match(sent, /^HTTP\/1\.1 200 OK\r\n/);
  assert.equal(received, body);
  assert.equal(late, "value");
});

Deno.test("component server: a streamed body is ready only asynchronously", async () => {
  const head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  let early = -1;
  let rest = "";
  await serveOnce([`${head}3\r\nabc\r\n0\r\n\r\n`], async (_, body) => {
    early = body.stream.read(10).length;
    rest = await readAll(body);
  });
  assert.equal(early, 0);
  assert.equal(rest, "abc");
});

Deno.test("component server: a head is sent once if the guest writes during its send", async () => {
  const bytes = new OutgoingBytes(undefined);
  const write = () => {
    bytes.write(encodeByteString("abc"));
    bytes.finish(undefined);
  };
  let writes = 0;
  const sent = await serveOnce(["GET / HTTP/1.1\r\nHost: h\r\n\r\n"], () => Promise.resolve(), {
    bytes,
    onWrite: () => {
      if (++writes === 1) write();
    },
  });
  assert.match(sent, /^HTTP\/1\.1 200 OK\r\n/);
  assert.equal(sent.slice(sent.indexOf("\r\n\r\n") + 4), "3\r\nabc\r\n0\r\n\r\n");
});
