import assert from "node:assert/strict";
import { HttpError } from "../../src/server/http_error.ts";
import { errorResponse } from "../../src/server/json_error.ts";
import { listen } from "../../src/server/listen.ts";
import { readBody } from "../../src/server/read_body.ts";
import { connect, type RawConnection } from "./raw_connection.ts";
import { memoryLog } from "./memory_log.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const url = "http://x/";

/** A server that responds with the body, or with the length of a long one. */
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
      const body = await readBody(request, { maxBytes: maxBytes, flag: "-maxBody" });
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

Deno.test("readBody: returns no promise for a request without a body", () => {
  for (const method of ["GET", "HEAD"]) {
    assert.deepEqual(readBody(new Request(url, { method }), { maxBytes: 10 }), new Uint8Array());
  }
  const empty = new Request(url, { method: "POST", headers: { "content-length": "0" }, body: "" });
  assert.deepEqual(readBody(empty, { maxBytes: 10 }), new Uint8Array());
});

Deno.test("readBody: returns the bytes as they were sent", async () => {
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
    assert.deepEqual(await readBody(known, { maxBytes: body.length }), body);
    const streamed = new Request(url, { method: "PATCH", body: new Blob([body]).stream() });
    assert.deepEqual(await readBody(streamed, { maxBytes: body.length }), body);
  }
});

Deno.test("readBody: refuses one byte over the limit, and names limit and flag", async () => {
  const body = "éé";
  const known = () =>
    new Request(url, { method: "POST", body, headers: { "content-length": "4" } });
  assert.equal(text(await readBody(known(), { maxBytes: 4 })), body);
  const refused = async (request: Request) => {
    const error: unknown = await readBody(request, { maxBytes: 3, flag: "-maxBody" });
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

Deno.test("readBody: keeps the connection after a body over the limit", () =>
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

Deno.test("readBody: reads the body of a GET, and the request after it", () =>
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

Deno.test("readBody: reports a client that leaves within its body", async () => {
  const { log } = memoryLog();
  const seen = Promise.withResolvers<unknown>();
  const server = await listen({
    host: "127.0.0.1",
    port: 0,
    onError: (error) => errorResponse(error, log),
    handler: async (request) => {
      try {
        await readBody(request, { maxBytes: 100 });
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
