import assert from "node:assert/strict";
import { healthCheck } from "../../src/cli/health_check.ts";
import { freePort } from "../testing/free_port.ts";

Deno.test("a health check tells what a server answers, and fails where it answers with 500 or not at all", async () => {
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
  const nobody = `http://127.0.0.1:${freePort()}/`;
  await assert.rejects(() => healthCheck(nobody), {
    code: "UNHEALTHY",
    message: /^http:.* does not answer: /,
  });
});
