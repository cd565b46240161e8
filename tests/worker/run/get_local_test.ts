import assert from "node:assert/strict";
import { getLocal } from "../../../src/worker/run/get_local.ts";

const hostname = "127.0.0.1";

/** Sends this response to one connection, which stays open if it is empty. */
async function getFrom(response: string, timeoutMs = 60_000) {
  using listener = Deno.listen({ hostname, port: 0 });
  const answered = (async () => {
    const connection = await listener.accept();
    await connection.read(new Uint8Array(1024));
    if (response === "") return connection;
    await connection.write(new TextEncoder().encode(response));
    connection.close();
  })();
  const result = await getLocal({ hostname, port: listener.addr.port }, "/health", timeoutMs);
  (await answered)?.close();
  return result;
}

const framed: [framing: string, text: string][] = [
  ["Content-Length: 7", "é 👋"],
  ["Transfer-Encoding: chunked", "3\r\né \r\n4\r\n👋\r\n0\r\n\r\n"],
  ["Connection: close", "é 👋"],
];
for (const [header, text] of framed) {
  Deno.test(`getLocal: reads a body with ${header}`, async () => {
    const response = await getFrom(`HTTP/1.1 201 Created\r\n${header}\r\n\r\n${text}`);
    assert.deepEqual(response, { status: 201, body: "é 👋" });
  });
}

Deno.test("getLocal: returns undefined for a cut response, and after the timeout", async () => {
  assert.equal(await getFrom("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"), undefined);
  assert.equal(await getFrom("not HTTP\r\n\r\n"), undefined);
  assert.equal(await getFrom("", 20), undefined);
});

Deno.test("getLocal: returns undefined if nothing listens", async () => {
  const listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr;
  listener.close();
  assert.equal(await getLocal({ hostname, port }, "/", 60_000), undefined);
});
