import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { callJson, childrenOf, Platform, until } from "../testing/platform.ts";

const blue = { function: "hello", revision: "blue" };
const isLinux = Deno.build.os === "linux";

/** Returns the list entry of a revision's only process. */
async function only(workerUrl: string, { function: name, revision } = blue) {
  const { body } = await callJson("GET", `${workerUrl}/functions/list`);
  const [found] = Object.entries(body[name][revision].wasmModules);
  const [pid, listed] = found ?? ["", undefined];
  return { pid: Number(pid), ...Object(listed) };
}

Deno.test("worker: restarts a killed process, and unregisters its URL", async () => {
  await using platform = await Platform.start();
  const worker = await platform.worker();
  const downloadUrl = await platform.upload("examples/hello/hello.wasm", "hello");
  const body = { ...blue, downloadUrl };
  const { body: { localUrl } } = await callJson("POST", `${worker.url}/functions/deploy`, { body });
  await callJson("POST", `${worker.url}/functions/set_default_revision`, { body: blue });

  for (let round = 1; round <= 3; round++) {
    const before = await only(worker.url);
    Deno.kill(before.pid, "SIGKILL");
    const after = await until(
      () => only(worker.url),
      (found) => found.restarts === round && found.pid > 0,
    );
    assert.notEqual(after.pid, before.pid);
    assert.notEqual(after.localUrl, before.localUrl);
    const expected = { hello: { blue: [after.localUrl], default: [after.localUrl] } };
    await until(() => platform.routes(), (found) => isDeepStrictEqual(found, expected));
    assert.match(await (await fetch(`${platform.proxy.url}/functions/hello`)).text(), /Hello/);
  }
  assert.match(
    worker.stderr.text,
    /hello\/blue: the process was ended by SIGKILL; started again in 0\.1 s/,
  );
  assert.match(worker.stderr.text, /started again in 0\.4 s/);
  assert.notEqual(localUrl, (await platform.routes()).hello?.blue?.[0]);
});

Deno.test({
  name: "worker: replaces a process that fails its health checks",
  ignore: !isLinux,
  async fn() {
    await using platform = await Platform.start();
    const worker = await platform.worker(["-healthInterval=100ms"]);
    const downloadUrl = await platform.upload("examples/hello/hello.wasm", "hello");
    await callJson("POST", `${worker.url}/functions/deploy`, { body: { ...blue, downloadUrl } });
    const before = await only(worker.url);
    Deno.kill(before.pid, "SIGSTOP");
    const after = await until(
      () => only(worker.url),
      (found) => found.restarts === 1 && found.pid > 0,
    );
    assert.deepEqual(await childrenOf(worker.pid), [after.pid]);
    assert.match(worker.stderr.text, /it did not answer its health checks/);
  },
});

Deno.test({
  name: "worker: a removed process responds to requests that arrived before",
  ignore: !isLinux,
  async fn() {
    await using platform = await Platform.start();
    const worker = await platform.worker(["-healthInterval=1m"]);
    const downloadUrl = await platform.upload("examples/hello/hello.wasm", "hello");
    await callJson("POST", `${worker.url}/functions/deploy`, { body: { ...blue, downloadUrl } });
    const { pid } = await only(worker.url);
    const url = `${platform.proxy.url}/functions/hello/blue`;
    await (await fetch(url)).text(); // its connection is open, and waits
    Deno.kill(pid, "SIGSTOP");
    const waiting = Array.from({ length: 8 }, () => fetch(url, { method: "POST", body: "Bob" }));
    const removed = callJson("DELETE", `${worker.url}/functions/revisions/deployments`, {
      body: blue,
    });
    await until(() => platform.routes(), (routes) => isDeepStrictEqual(routes, {}));
    setTimeout(() => Deno.kill(pid, "SIGCONT"), 600);
    for (const answer of await Promise.all(waiting)) {
      assert.deepEqual([answer.status, (await answer.text()).includes("Bob")], [200, true]);
    }
    assert.equal((await removed).status, 202);
  },
});

Deno.test({
  name: "worker: no process outlives its worker, no route a stopped one",
  ignore: !isLinux,
  async fn() {
    await using platform = await Platform.start();
    const downloadUrl = await platform.upload("examples/hello/hello.wasm", "hello");
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      const worker = await platform.worker([], { data: `${platform.folder}/${signal}` });
      const body = { ...blue, revision: signal, downloadUrl, instances: 2 };
      assert.equal(
        (await callJson("POST", `${worker.url}/functions/deploy`, { body })).status,
        202,
      );
      const children = await childrenOf(worker.pid);
      assert.equal(children.length, 2);
      const urls = (await platform.routes()).hello?.[signal];
      assert.equal(urls?.length, 2);
      const status = await worker.stop(signal);
      if (signal === "SIGTERM") {
        assert.equal(status.code, 0);
        assert.deepEqual((await platform.routes()).hello?.SIGTERM, []);
      }
      for (const pid of children) await until(() => isRunning(pid), (running) => !running);
    }
  },
});

Deno.test({
  name: "worker: a signal to the process group stops functions gracefully",
  ignore: !isLinux,
  async fn() {
    await using platform = await Platform.start();
    const worker = await platform.worker([], { under: ["setsid"] });
    const downloadUrl = await platform.upload("examples/hello/hello.wasm", "hello");
    const body = { ...blue, downloadUrl, instances: 2 };
    assert.equal((await callJson("POST", `${worker.url}/functions/deploy`, { body })).status, 202);
    const children = await childrenOf(worker.pid);
    assert.equal(children.length, 2);
    const sent = await new Deno.Command("sh", { args: ["-c", `kill -TERM -${worker.pid}`] })
      .output();
    assert.ok(sent.success);
    for (const pid of [worker.pid, ...children]) {
      await until(() => isRunning(pid), (running) => !running);
    }
    assert.doesNotMatch(worker.stderr.text, /started again/);
    assert.deepEqual((await platform.routes()).hello?.blue, []);
  },
});

async function isRunning(pid: number): Promise<boolean> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
  return stat !== "" && !/\) [ZX] /.test(stat);
}

Deno.test("worker: unregisters a removed revision before its requests finish", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  let count = 0;
  await using slow = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async () => {
      if (++count === 2) asked.resolve();
      await answer.promise;
      return new Response("at last");
    },
  );
  await using platform = await Platform.start();
  const worker = await platform.worker();
  const downloadUrl = await platform.upload("tests/testdata/go/upstream/upstream.wasm", "hello");
  const envVariables = { UPSTREAM_URL: `http://127.0.0.1:${slow.addr.port}/` };
  for (const more of [{ revision: "blue" }, { revision: "sleepy", idle: "1h" }]) {
    await callJson("POST", `${worker.url}/functions/deploy`, {
      body: { ...blue, downloadUrl, envVariables, ...more },
    });
  }
  const called = ["blue", "sleepy"].map((revision) =>
    fetch(`${platform.proxy.url}/functions/hello/${revision}`)
  );
  await asked.promise;
  const removed = ["blue", "sleepy"].map((revision) =>
    callJson("DELETE", `${worker.url}/functions/revisions/deployments`, {
      body: { ...blue, revision },
    })
  );
  await until(() => platform.routes(), (routes) => Object.keys(routes).length === 0);
  answer.resolve();
  for (const response of await Promise.all(called)) assert.equal(await response.text(), "at last");
  for (const { status } of await Promise.all(removed)) assert.equal(status, 202);
  if (isLinux) assert.deepEqual(await childrenOf(worker.pid), []);
});
