import assert from "node:assert/strict";
import { HttpError } from "../../src/server/http_error.ts";
import { errorResponse } from "../../src/server/json_error.ts";
import { listen } from "../../src/server/listen.ts";
import { readBody } from "../../src/server/read_body.ts";
import { connect, type RawConnection } from "./raw_connection.ts";
import { memoryLog } from "./memory_log.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const url = "http://x/";

/** A server that answers what it read, a letter of the text and how often for a large one. */
async function echo(
  maxBytes: number,
  use: (connection: RawConnection) => Promise<void>,
): Promise<void> {
  const { log } = memoryLog();
  const server = await listen({
    host: "127.0.0.1",
    port: 0,
    onError: (error) => errorResponse(error, log),
    handler: async (request) => {
      const body = await readBody(request, maxBytes, "-maxBody");
      return new Response(`${request.method} ${body.length > 100 ? body.length : text(body)}`);
    },
  });
  try {
    using connection = await connect(server.port);
    await use(connection);
  } finally {
    await server.stop(0);
  }
}

Deno.test("a request without a body costs no promise", () => {
  for (const method of ["GET", "HEAD"]) {
    assert.deepEqual(readBody(new Request(url, { method }), 10), new Uint8Array());
  }
  const empty = new Request(url, { method: "POST", headers: { "content-length": "0" }, body: "" });
  assert.deepEqual(readBody(empty, 10), new Uint8Array());
});

Deno.test("the bytes come as they were sent", async () => {
  const every = Uint8Array.from({ length: 256 }, (_, index) => index);
  for (
    const body of [
      every,
      new TextEncoder().encode("👋 hé"),
      new Uint8Array(5 * 1024 * 1024).fill(7),
      new Uint8Array(),
    ]
  ) {
    const known = new Request(url, {
      method: "POST",
      body,
      headers: { "content-length": `${body.length}` },
    });
    assert.deepEqual(await readBody(known, body.length), body);
    const streamed = new Request(url, { method: "PATCH", body: new Blob([body]).stream() });
    assert.deepEqual(await readBody(streamed, body.length), body);
  }
});

Deno.test("one byte over the limit is refused, with the limit and the flag in the message", async () => {
  const body = "éé";
  const known = () =>
    new Request(url, { method: "POST", body, headers: { "content-length": "4" } });
  assert.equal(text(await readBody(known(), 4)), body);
  const refused = async (request: Request) => {
    const error: unknown = await readBody(request, 3, "-maxBody");
    return error;
  };
  for (const request of [known(), new Request(url, { method: "POST", body })]) {
    await assert.rejects(refused(request), (error) => {
      assert.ok(error instanceof HttpError);
      assert.deepEqual([error.status, error.code], [413, "BODY_TOO_LARGE"]);
      assert.equal(error.message, "a body may have at most 3 bytes (-maxBody), this one has more");
      return true;
    });
  }
});

Deno.test("a connection is usable after a body over the limit, with a length or in chunks", () =>
  echo(1000, async (connection) => {
    const large = "x".repeat(3_000_000);
    await Promise.all([
      connection.send(
        `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${large.length}\r\n\r\n${large}`,
      ),
      (async () => {
        const answer = await connection.answer();
        assert.equal(answer?.status, 413);
        assert.equal(JSON.parse(answer.body).code, "BODY_TOO_LARGE");
      })(),
    ]);
    const chunk = `${(100_000).toString(16)}\r\n${"x".repeat(100_000)}\r\n`;
    await Promise.all([
      connection.send(
        `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${
          chunk.repeat(20)
        }0\r\n\r\n`,
      ),
      (async () => assert.equal((await connection.answer())?.status, 413))(),
    ]);
    await connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    assert.equal((await connection.answer())?.body, "POST abc");
  }));

Deno.test("the body of a GET is read, and the next request on its connection is not mistaken", () =>
  echo(5, async (connection) => {
    const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    await connection.send(`GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc${get}`);
    assert.equal((await connection.answer())?.body, "GET abc");
    assert.equal((await connection.answer())?.body, "GET ");
    await connection.send(
      `GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n${get}`,
    );
    assert.equal((await connection.answer())?.body, "GET abc");
    assert.equal((await connection.answer())?.body, "GET ");
    await connection.send(`GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabcdef${get}`);
    assert.equal((await connection.answer())?.status, 413);
    assert.equal((await connection.answer())?.body, "GET ");
  }));

Deno.test("a client that goes away in its body is an error of its own, and the server goes on", async () => {
  const { log } = memoryLog();
  const seen = Promise.withResolvers<unknown>();
  const server = await listen({
    host: "127.0.0.1",
    port: 0,
    onError: (error) => errorResponse(error, log),
    handler: async (request) => {
      try {
        await readBody(request, 100);
      } catch (error) {
        seen.resolve(error);
      }
      return new Response();
    },
  });
  {
    using connection = await connect(server.port);
    await connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nabc");
  }
  const error = await seen.promise;
  assert.ok(error instanceof HttpError, String(error));
  assert.deepEqual([error.status, error.code], [400, "BODY_CUT"]);
  await server.stop(0);
});
