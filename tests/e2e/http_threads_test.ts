import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { startCapsule } from "../testing/capsule.ts";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const counter = `-wasm=${at("tests/testdata/go/counter/counter.wasm")}`;

Deno.test("several threads share the port, one log, one /host-metrics and one clean stop", async () => {
  await using server = await startCapsule([
    "-mode=http",
    `-wasm=${at("examples/hello-http/hello.wasm")}`,
    "-threads=3",
  ], {
    env: { MESSAGE: "👋 of all threads" },
  });
  // Each fetch with a client of its own makes a new connection, and the system spreads those over the threads.
  for (let i = 0; i < 40; i++) {
    using client = Deno.createHttpClient({});
    assert.equal((await (await fetch(server.url, { client })).json()).message, "hey people!");
  }
  const metrics = await (await fetch(`${server.url}/host-metrics`)).json();
  assert.equal(metrics.threads.length, 3);
  assert.equal(metrics.instances, 3);
  assert.equal((await server.stop()).code, 0);
  assert.equal(server.stdout.text.split("Environment variable: 👋 of all threads\n").length, 41);
});

Deno.test("every thread answers, and each call is a just-started one", async () => {
  await using server = await startCapsule(["-mode=http", counter, "-threads=2"]);
  for (let i = 0; i < 30; i++) {
    using client = Deno.createHttpClient({});
    assert.equal(await (await fetch(server.url, { client })).text(), "1");
  }
});

Deno.test("what is wrong with the port or the module is said once, whatever the number of threads", async () => {
  await using server = await startCapsule(["-mode=http", counter, "-threads=2"]);
  const port = new URL(server.url).port;
  await assert.rejects(
    startCapsule(["-mode=http", counter, "-threads=2", `-httpPort=${port}`]),
    /another program listens there already/,
  );
});
