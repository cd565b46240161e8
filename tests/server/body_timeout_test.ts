import assert from "node:assert/strict";
import { errorResponse } from "../../src/server/json_error.ts";
import { listen } from "../../src/server/listen.ts";
import { readBody } from "../../src/server/read_body.ts";
import { memoryLog } from "./memory_log.ts";
import { connect, type RawConnection } from "./raw_connection.ts";

/** Serves bodies that may pause for `allowanceMs`. */
async function withServer(
  allowanceMs: number,
  use: (connection: RawConnection) => Promise<void>,
): Promise<void> {
  const { log } = memoryLog();
  const server = await listen({
    host: "127.0.0.1",
    port: 0,
    timeouts: { headMs: 20, keepAliveMs: 60_000 },
    onError: (error) => errorResponse(error, log),
    handler: async (request) => {
      try {
        const body = await readBody(request, { maxBytes: 1_000_000, allowanceMs });
        return new Response(String(body.length));
      } catch (error) {
        return errorResponse(error, log);
      }
    },
  });
  try {
    using connection = await connect(server.port);
    await use(connection);
  } finally {
    await server.stop(0);
  }
}

async function assertTimesOut(connection: RawConnection): Promise<void> {
  const response = await connection.answer();
  assert.equal(response?.status, 408);
  assert.equal(JSON.parse(response.body).code, "BODY_TIMEOUT");
  assert.ok(await connection.closed());
}

const heads: [name: string, framing: string][] = [
  ["a short body", "Content-Length: 5"],
  ["a long body", "Content-Length: 500000"],
  ["a chunked body", "Transfer-Encoding: chunked"],
];
for (const [name, framing] of heads) {
  Deno.test(`readBody: ends the wait for ${name} that does not arrive`, () =>
    withServer(40, async (connection) => {
      await connection.send(`POST / HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n`);
      await assertTimesOut(connection);
    }));
}

Deno.test("readBody: a body over the limit that does not arrive is dropped", () =>
  withServer(40, async (connection) => {
    await connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n");
    assert.equal((await connection.answer())?.status, 413);
    assert.ok(await connection.closed());
  }));

Deno.test("readBody: a byte now and then does not extend the wait", () =>
  withServer(40, async (connection) => {
    await connection.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    const dripping = setInterval(() => void connection.send("1\r\nx\r\n").catch(() => {}), 10);
    try {
      await assertTimesOut(connection);
    } finally {
      clearInterval(dripping);
    }
  }));

Deno.test("readBody: a body may pause and take long at a sufficient rate", () =>
  withServer(10_000, async (connection) => {
    await connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    for (let piece = 0; piece < 10; piece++) {
      await connection.send("x".repeat(10_000));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal((await connection.answer())?.body, "100000");
  }));
