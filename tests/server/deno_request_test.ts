import assert from "node:assert/strict";
import { headerFields } from "../../src/server/deno_request.ts";
import { listen } from "../../src/server/listen.ts";
import { connect } from "./raw_connection.ts";

Deno.test("headerFields: this Deno hands out fields in their order, repeated ones apart", async () => {
  const server = await listen({
    host: "127.0.0.1",
    port: 0,
    onError: () => new Response("bug", { status: 500 }),
    handler: (request) => Response.json(headerFields(request)),
  });
  try {
    using connection = await connect(server.port);
    const sent = [["Host", "x"], ["X-B", "1"], ["a", ""], ["x-b", "é, 2"], ["cookie", "c=1"]];
    const head = sent.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    await connection.send(`GET / HTTP/1.1\r\n${head}\r\n`);
    const body = (await connection.answer())?.body ?? "";
    const found = JSON.parse(
      new TextDecoder().decode(Uint8Array.from(body, (c) => c.charCodeAt(0))),
    );
    assert.deepEqual(found, sent.map(([name, value]) => [name, value?.replace("é", "Ã©")]));
  } finally {
    await server.stop(0);
  }
});
