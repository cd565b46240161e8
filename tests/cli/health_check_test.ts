import assert from "node:assert/strict";
import { healthCheck } from "../../src/cli/health_check.ts";
import { freePort } from "../testing/free_port.ts";

Deno.test("healthCheck: returns the status, and fails for 500 or without a response", async () => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => new Response("text", { status: Number(new URL(request.url).pathname.slice(1)) }),
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  for (const status of [200, 307, 404, 499]) {
    assert.equal(await healthCheck(`${url}/${status}`), `${url}/${status} answers ${status}\n`);
  }
  for (const status of [500, 503]) {
    await assert.rejects(() => healthCheck(`${url}/${status}`), {
      code: "UNHEALTHY",
      message: `${url}/${status} answers ${status}`,
    });
  }
  const unused = `http://127.0.0.1:${freePort()}/`;
  await assert.rejects(() => healthCheck(unused), {
    code: "UNHEALTHY",
    message: /^http:.* does not answer: /,
  });
});
