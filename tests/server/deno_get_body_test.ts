import assert from "node:assert/strict";
import { bodyOfGet } from "../../src/server/deno_get_body.ts";
import { listen } from "../../src/server/listen.ts";
import { connect } from "./raw_connection.ts";

Deno.test("bodyOfGet: this Deno hands out the body of a GET, and keeps the connection", async () => {
  const server = await listen({
    host: "127.0.0.1",
    port: 0,
    onError: () => new Response("bug", { status: 500 }),
    handler: async (request) => {
      const body = bodyOfGet(request);
      const text = new TextDecoder().decode(await body.arrayBuffer());
      return new Response(`${request.method} ${text}`);
    },
  });
  try {
    using connection = await connect(server.port);
    const next = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    const chunked = "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for (const body of ["Content-Length: 3\r\n\r\nabc", chunked]) {
      await connection.send(`GET / HTTP/1.1\r\nHost: x\r\n${body}${next}`);
      assert.equal((await connection.answer())?.body, "GET abc");
      assert.equal((await connection.answer())?.body, "GET ");
    }
  } finally {
    await server.stop(0);
  }
});
