import assert from "node:assert/strict";
import { Activator } from "../../src/proxy/activator.ts";
import { silentLog } from "./silent_log.ts";

/** An upstream that echoes requests, and an activator in front of it. */
function start({ holdMs = 60_000 } = {}) {
  const upstream = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      const forwarded = request.headers.get("x-forwarded-host");
      return new Response(
        `${request.method} ${pathname}${search} ${forwarded} ${await request.text()}`,
      );
    },
  );
  const waiting = Promise.withResolvers<string>();
  const asked = Promise.withResolvers<void>();
  const front = new Activator({
    hostname: "127.0.0.1",
    port: 0,
    function: "hello",
    revision: "blue",
    upstream: () => {
      asked.resolve();
      return waiting.promise;
    },
    holdMs,
    log: silentLog,
  });
  return {
    front,
    url: `http://127.0.0.1:${front.port}`,
    asked: asked.promise,
    wake: () => waiting.resolve(`http://127.0.0.1:${upstream.addr.port}`),
    giveUp: waiting.reject,
    async [Symbol.asyncDispose]() {
      await front.stop(0);
      await upstream.shutdown();
    },
  };
}

Deno.test("Activator: holds requests until the upstream runs, and forwards them unchanged", async () => {
  await using held = start();
  const { front, url, asked, wake } = held;
  const post = fetch(`${url}/a/b%2Fc?q=1&q=2`, {
    method: "POST",
    body: "👋",
    headers: { "x-forwarded-host": "example.org" },
  });
  const get = fetch(url);
  await asked;
  assert.equal(front.idleMs(), 0);
  wake();
  assert.equal(await (await post).text(), "POST /a/b%2Fc?q=1&q=2 example.org 👋");
  assert.match(await (await get).text(), /^GET \/ 127\.0\.0\.1:\d+ $/);
  assert.equal(front.requests, 2);
  // The next request, on the same connection.
  assert.match(await (await fetch(`${url}/again`)).text(), /^GET \/again /);
  assert.equal(front.requests, 3);
  while (front.idleMs() === 0) await new Promise((resolve) => setTimeout(resolve));
});

Deno.test("Activator: holds a request for up to holdMs", async () => {
  await using held = start({ holdMs: 20 });
  const response = await fetch(held.url);
  assert.deepEqual([response.status, await response.json()], [503, {
    code: "ERROR_NOT_STARTED",
    message: "blue of hello did not start within 0.02 s",
    function: "hello",
    revision: "blue",
  }]);
});

Deno.test("Activator: responds immediately if the upstream will not start", async () => {
  await using held = start();
  const response = fetch(held.url);
  await held.asked;
  held.giveUp(new Error("stopped"));
  assert.deepEqual([(await response).status, (await (await response).json()).message], [
    503,
    "blue of hello is stopped",
  ]);
});

Deno.test("Activator.stop: lets held requests finish", async () => {
  await using held = start();
  const response = fetch(held.url);
  await held.asked;
  const stopped = held.front.stop(60_000);
  await assert.rejects(fetch(held.url), TypeError);
  held.wake();
  assert.match(await (await response).text(), /^GET /);
  await stopped;
});
