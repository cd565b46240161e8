import assert from "node:assert/strict";
import { type Handler, listen, type ListenOptions } from "../../src/server/listen.ts";
import { connect, type RawConnection } from "./raw_connection.ts";

const headMs = 40;
const keepAliveMs = 80;
const get = "GET /quick HTTP/1.1\r\nHost: x\r\n\r\n";

/** A server with short timeouts; a request to `/held` is answered when `release` is called. */
async function start(
  { timeouts = { headMs, keepAliveMs }, tls }: Pick<Partial<ListenOptions>, "timeouts" | "tls"> =
    {},
) {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const handler: Handler = async ({ url }) => {
    if (url.endsWith("/held")) await released;
    return new Response("fine");
  };
  const onError = () => new Response("bug", { status: 500 });
  const server = await listen({ handler, host: "127.0.0.1", port: 0, onError, timeouts, tls });
  return {
    port: server.port,
    release,
    [Symbol.asyncDispose]: () => server.stop(0),
  };
}

const rows: [name: string, first: string, send: (connection: RawConnection) => Promise<unknown>][] =
  [
    ["that sends nothing", "", () => Promise.resolve()],
    ["that never finishes its first head", "", (client) => client.send("GET / HTTP/1.1\r\nHos")],
    ["that is idle after a response", get, () => Promise.resolve()],
    ["that never finishes a later head", get, (client) => client.send("GET / HTTP/1.1\r\nHos")],
  ];
for (const [name, first, send] of rows) {
  Deno.test(`Connections: closes a connection ${name}`, async () => {
    await using server = await start();
    using client = await connect(server.port);
    if (first !== "") {
      await client.send(first);
      assert.equal((await client.answer())?.body, "fine");
    }
    await send(client);
    assert.ok(await client.closed());
  });
}

/** Returns a frame of HTTP/2 (RFC 9113 § 4.1). */
function frame(type: number, flags: number, stream: number, payload: number[] = []): Uint8Array {
  return new Uint8Array([0, 0, payload.length, type, flags, 0, 0, 0, stream, ...payload]);
}

const preface = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const settings = frame(4, 0, 0);
/** GET, http, / and the authority `x`, in HPACK. */
const fields = [0x82, 0x86, 0x84, 0x41, 1, 0x78];
const headersWithoutEnd = frame(1, 1, 1, fields);

const unfinished: [name: string, frames: Uint8Array[]][] = [
  ["nothing after its preface", [preface, settings]],
  ["HEADERS without END_HEADERS", [preface, settings, headersWithoutEnd]],
  ["CONTINUATION without end", [preface, settings, headersWithoutEnd, frame(9, 0, 1)]],
  ["half a frame", [preface, settings, headersWithoutEnd.subarray(0, 11)]],
];
for (const [name, frames] of unfinished) {
  Deno.test(`Connections: closes an HTTP/2 connection that sends ${name}`, async () => {
    await using server = await start();
    using client = await connect(server.port);
    for (const bytes of frames) await client.send(bytes);
    await client.closed();
  });
}

Deno.test("Connections: a head that arrives a byte at a time is bounded, too", async () => {
  await using server = await start();
  using client = await connect(server.port);
  const dripping = setInterval(() => void client.send("x").catch(() => {}), 5);
  try {
    assert.ok(await client.closed());
  } finally {
    clearInterval(dripping);
  }
});

Deno.test("Connections: a request may run longer than both timeouts", async () => {
  await using server = await start({ timeouts: { headMs: 4, keepAliveMs: 8 } });
  using idle = await connect(server.port);
  using client = await connect(server.port);
  await client.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
  // A connection without a request was closed meanwhile, so the running one was checked as well.
  await idle.closed();
  using later = await connect(server.port);
  await later.closed();
  server.release();
  assert.equal((await client.answer())?.body, "fine");
});

Deno.test("Connections: requests in time keep their connection", async () => {
  await using server = await start({ timeouts: { headMs: 10_000, keepAliveMs: 10_000 } });
  using client = await connect(server.port);
  for (let request = 0; request < 3; request++) {
    await client.send(get);
    assert.equal((await client.answer())?.body, "fine");
  }
});

Deno.test("Connections: does not wait for a TLS handshake when it is stopped", async () => {
  const data = new URL("../testdata/tls/", import.meta.url).pathname;
  const tls = { crt: `${data}localhost.crt`, key: `${data}localhost.key` };
  await using server = await start({ timeouts: { headMs: 10_000, keepAliveMs }, tls });
  using _client = await connect(server.port);
});
