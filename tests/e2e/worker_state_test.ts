import assert from "node:assert/strict";
import { runCapsule, startCapsule } from "../testing/capsule.ts";
import { callJson, Platform, until } from "../testing/platform.ts";

const deploy = (url: string, body: Record<string, unknown>) =>
  callJson("POST", `${url}/functions/deploy`, { body });

Deno.test("worker: restores its deployments after it was killed, removes old routes", async () => {
  await using platform = await Platform.start();
  const downloadUrl = await platform.upload("examples/hello/hello.wasm", "hello");
  const first = await platform.worker();
  await deploy(first.url, {
    function: "hello",
    revision: "blue",
    downloadUrl,
    instances: 2,
    envVariables: { A: "1" },
  });
  await deploy(first.url, { function: "hello", revision: "green", downloadUrl, sha256: undefined });
  await deploy(first.url, { function: "lazy", revision: "blue", downloadUrl, idle: "1h" });
  await callJson("POST", `${first.url}/functions/set_default_revision`, {
    body: { function: "hello", revision: "green" },
  });
  await callJson("POST", `${platform.proxy.url}/memory/functions/registration`, {
    body: { function: "hello", revision: "red", url: "http://localhost:1" },
  });
  const before = await platform.routes();
  await first.stop("SIGKILL");
  // The module is not downloaded again.
  await platform.registry.stop();

  const second = await platform.worker();
  const count = (routes: typeof before) => Object.values(routes.hello ?? {}).flat().length;
  const after = await until(
    () => platform.routes(),
    (routes) => count(routes) === 5 && !routes.hello?.blue?.includes(before.hello?.blue?.[0] ?? ""),
  );
  assert.deepEqual(Object.keys(after.hello ?? {}), ["blue", "default", "green", "red"]);
  assert.equal(after.hello?.blue?.length, 2);
  assert.deepEqual(after.hello?.default, after.hello?.green);
  assert.deepEqual(after.hello?.red, ["http://localhost:1"]);
  for (const path of ["hello", "hello/blue", "hello/green", "lazy/blue"]) {
    assert.match(
      await (await fetch(`${platform.proxy.url}/functions/${path}`)).text(),
      /Hello/,
      path,
    );
  }
  const { body: list } = await callJson("GET", `${second.url}/functions/list`);
  assert.deepEqual(list.hello.blue.envVariables, { A: "1" });
  assert.equal(list.hello.green.isDefaultRevision, true);
  assert.equal(list.lazy.blue.idle, "1h");
});

Deno.test("worker: registers routes once the proxy is back, or has lost them", async () => {
  await using platform = await Platform.start();
  const downloadUrl = await platform.upload("examples/hello/hello.wasm", "hello");
  const { port } = new URL(platform.proxy.url);
  await platform.proxy.stop();
  const worker = await platform.worker();
  const body = { function: "hello", revision: "blue" };
  const deployed = await deploy(worker.url, { ...body, downloadUrl });
  assert.equal(deployed.status, 202);
  assert.equal(deployed.body.registered, false);
  assert.match(deployed.body.why, /cannot be reached/);
  assert.match(await (await fetch(deployed.body.localUrl)).text(), /Hello/);
  const chosen = await callJson("POST", `${worker.url}/functions/set_default_revision`, { body });
  assert.deepEqual([chosen.status, chosen.body.registered], [202, false]);

  for (let round = 0; round < 2; round++) {
    await using proxy = await startCapsule([
      "-mode=reverse-proxy",
      "-backend=memory",
      `-httpPort=${port}`,
    ]);
    const { localUrl } = deployed.body;
    const routes = await until(
      () => platform.routes(),
      ({ hello }) => hello?.default !== undefined,
    );
    assert.deepEqual(routes, { hello: { blue: [localUrl], default: [localUrl] } });
    await proxy.stop("SIGKILL");
  }
  const removed = await callJson("DELETE", `${worker.url}/functions/revisions/deployments`, {
    body,
  });
  assert.equal(removed.status, 202);
  // A proxy that kept the routes of a removed revision loses them when it is back.
  await using proxy = await startCapsule([
    "-mode=reverse-proxy",
    "-backend=memory",
    `-httpPort=${port}`,
  ]);
  await callJson("POST", `${proxy.url}/memory/functions/registration`, {
    body: { ...body, url: deployed.body.localUrl },
  });
  await until(() => platform.routes(), (routes) => Object.keys(routes).length === 0);
});

Deno.test("worker: does not touch the routes of another worker", async () => {
  await using platform = await Platform.start();
  const downloadUrl = await platform.upload("examples/hello/hello.wasm", "hello");
  const [a, b] = await Promise.all([
    platform.worker([], { data: `${platform.folder}/a` }),
    platform.worker([], { data: `${platform.folder}/b` }),
  ]);
  const body = { function: "hello", revision: "blue" };
  const ofA = (await deploy(a.url, { ...body, downloadUrl })).body.localUrl;
  const ofB = (await deploy(b.url, { ...body, downloadUrl })).body.localUrl;
  for (const { url } of [a, b]) {
    assert.equal(
      (await callJson("POST", `${url}/functions/set_default_revision`, { body })).status,
      202,
    );
  }
  assert.deepEqual(await platform.routes(), { hello: { blue: [ofA, ofB], default: [ofA, ofB] } });
  await callJson("DELETE", `${a.url}/functions/revisions/deployments`, { body });
  assert.deepEqual(await platform.routes(), { hello: { blue: [ofB], default: [ofB] } });
  await a.stop();
  await callJson("DELETE", `${b.url}/functions/remove_default_revision`, {
    body: { function: "hello" },
  });
  assert.deepEqual(await platform.routes(), { hello: { blue: [ofB] } });
});

Deno.test("worker: reports why it cannot start", async () => {
  await using platform = await Platform.start();
  const worker = await platform.worker();
  const { folder } = platform;
  await Deno.writeTextFile(`${folder}/bad.json`, "[]");
  const rows: ReadonlyArray<readonly [args: string[], code: number, stderr: RegExp]> = [
    [
      [`-data=${folder}/data`],
      1,
      /another worker uses .*\/data\/worker: choose another folder \(-data\)/,
    ],
    [
      [`-data=${folder}/e`, `-state=${folder}/data/worker.json`],
      1,
      /another worker keeps its state in .*\/data\/worker\.json: choose another file \(-state\)/,
    ],
    [
      [`-data=${folder}/e`, `-state=${folder}/bad.json`],
      1,
      /cannot read -state: .*bad\.json is not the state of a worker/,
    ],
    [
      [`-data=${folder}/e`, "-host=0.0.0.0"],
      1,
      /cannot start the worker on -host=0\.0\.0\.0.*CAPSULE_ADMIN_TOKEN/,
    ],
    [[`-data=${folder}/e`, "-registryToken=x"], 2, /-registryToken also needs -registry=URL/],
    [
      [`-data=${folder}/e`, `-httpPort=${new URL(worker.url).port}`],
      1,
      /another program listens there already/,
    ],
  ];
  for (const [args, code, stderr] of rows) {
    const port = args.some((arg) => arg.startsWith("-httpPort=")) ? [] : ["-httpPort=0"];
    const ended = await runCapsule(["-mode=worker", ...port, ...args]);
    assert.match(ended.stderr, stderr);
    assert.equal(ended.code, code, ended.stderr);
  }
});
