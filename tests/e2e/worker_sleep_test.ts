import assert from "node:assert/strict";
import { callJson, childrenOf, Platform, until } from "../testing/platform.ts";

const lazy = { function: "lazy", revision: "blue" };
const stateOf = (workerUrl: string) => async () => {
  const { body } = await callJson("GET", `${workerUrl}/functions/list`);
  const [found] = Object.values(body.lazy.blue.wasmModules);
  return Object(found);
};

Deno.test("sleep: an idle process sleeps, and wakes for concurrent requests", async () => {
  await using platform = await Platform.start();
  const worker = await platform.worker();
  const downloadUrl = await platform.upload("tests/testdata/go/echo/echo.wasm", "lazy");
  const deployed = await callJson("POST", `${worker.url}/functions/deploy`, {
    body: { ...lazy, downloadUrl, idle: "300ms" },
  });
  const { localUrl } = deployed.body;
  const url = `${platform.proxy.url}/functions/lazy/blue`;
  const state = stateOf(worker.url);
  for (let round = 1; round <= 2; round++) {
    const asleep = await until(state, ({ state }) => state === "asleep");
    assert.deepEqual([asleep.memoryBytes, asleep.restarts, asleep.localUrl], [null, 0, localUrl]);
    if (Deno.build.os === "linux") {
      await until(() => childrenOf(worker.pid), (found) => found.length === 0);
    }
    assert.deepEqual(await platform.routes(), { lazy: { blue: [localUrl] } });
    const bodies = Array.from({ length: 30 }, (_, index) => `👋 ${round} ${index}`);
    const answers = await Promise.all(bodies.map((body) => fetch(url, { method: "POST", body })));
    assert.deepEqual(await Promise.all(answers.map((answer) => answer.text())), bodies);
    assert.equal((await state()).requests, 30 * round);
  }
});

Deno.test("sleep: no request fails that arrives as the process goes to sleep", async () => {
  await using platform = await Platform.start();
  const worker = await platform.worker();
  const downloadUrl = await platform.upload("tests/testdata/go/echo/echo.wasm", "lazy");
  await callJson("POST", `${worker.url}/functions/deploy`, {
    body: { ...lazy, downloadUrl, idle: "30ms" },
  });
  for (let index = 0; index < 12; index++) {
    // At about the idle time, also on a connection that the proxy kept open.
    await new Promise((resolve) => setTimeout(resolve, 26 + index % 8));
    const response = await fetch(`${platform.proxy.url}/functions/lazy/blue`, {
      method: "POST",
      body: `${index}`,
    });
    assert.deepEqual([response.status, await response.text()], [200, `${index}`]);
  }
  assert.equal((await stateOf(worker.url)()).restarts, 0);
});

Deno.test("sleep: a sleeping instance is scaled, a dead one restarted", async () => {
  await using platform = await Platform.start();
  const worker = await platform.worker();
  const downloadUrl = await platform.upload("tests/testdata/go/echo/echo.wasm", "lazy");
  await callJson("POST", `${worker.url}/functions/deploy`, {
    body: { ...lazy, downloadUrl, idle: "1h" },
  });
  const scaled = await callJson("POST", `${worker.url}/functions/scale`, {
    body: { ...lazy, instances: 3 },
  });
  assert.equal(scaled.body.localUrls.length, 2);
  assert.equal((await platform.routes()).lazy?.blue?.length, 3);
  await callJson("POST", `${worker.url}/functions/scale`, { body: { ...lazy, instances: 1 } });
  const { body } = await callJson("GET", `${worker.url}/functions/list`);
  const [pid] = Object.keys(body.lazy.blue.wasmModules);
  Deno.kill(Number(pid), "SIGKILL");
  const after = await until(
    stateOf(worker.url),
    ({ restarts, state }) => restarts === 1 && state === "running",
  );
  await until(() => platform.routes(), ({ lazy }) => lazy?.blue?.[0] === after.localUrl);
  const response = await fetch(`${platform.proxy.url}/functions/lazy/blue`, {
    method: "POST",
    body: "on",
  });
  assert.equal(await response.text(), "on");
});
