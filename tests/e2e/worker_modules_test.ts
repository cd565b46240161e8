import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runCapsule, startCapsule } from "../testing/capsule.ts";
import { callJson, filesBelow, Platform } from "../testing/platform.ts";

const testdata = fileURLToPath(new URL("../testdata/go/", import.meta.url));
const deploy = (url: string, body: Record<string, unknown>, token?: string) =>
  callJson("POST", `${url}/functions/deploy`, {
    body: { function: "hello", revision: "blue", ...body },
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });

Deno.test("worker: a process has its variables, an empty folder and no secrets", async () => {
  await using platform = await Platform.start();
  const downloadUrl = await platform.upload("examples/hello/hello.wasm", "hello");
  // It prints its arguments and environment, and ends.
  const script = `${platform.folder}/launcher`;
  const text =
    '#!/bin/sh\necho "arguments: $*"\nenv | grep -v "^PATH="\necho "folder: $(pwd) [$(ls -A)]"\nexit 1\n';
  await Deno.writeTextFile(script, text, { mode: 0o755 });
  const worker = await platform.worker([`-capsulePath=${script}`], {
    env: {
      CAPSULE_ADMIN_TOKEN: "s3cret-of-the-worker",
      CAPSULE_PROXY_TOKEN: "s3cret-of-the-proxy",
      CAPSULE_REGISTRY: platform.registry.url,
      CAPSULE_REGISTRY_TOKEN: "s3cret-of-the-registry",
      SOMETHING_ELSE: "s3cret-of-somebody",
      REDIS_ADDR: "localhost:6379",
    },
  });
  const envVariables = { MESSAGE: "👋 = hello", EMPTY: "" };
  const { status, body } = await deploy(
    worker.url,
    { downloadUrl, envVariables },
    "s3cret-of-the-worker",
  );
  assert.equal(status, 422);
  const lines: string[] = body.lines;
  for (const line of ["MESSAGE=👋 = hello", "EMPTY=", "REDIS_ADDR=localhost:6379"]) {
    assert.ok(lines.includes(line), line);
  }
  assert.doesNotMatch(lines.join("\n"), /s3cret|CAPSULE_/);
  const data = `${platform.folder}/data`;
  assert.match(
    lines.join("\n"),
    new RegExp(`^folder: ${data}/worker/processes/[\\w-]+ \\[\\]$`, "m"),
  );
  assert.match(lines.join("\n"), new RegExp(`^arguments: .*-data=${data}$`, "m"));
  assert.deepEqual(await filesBelow(`${data}/worker/processes`), []);
});

Deno.test("worker: downloads from OCI registries, sends the token to -registry only", async () => {
  await using platform = await Platform.start();
  const folder = `${platform.folder}/guarded`;
  const tokens = { admin: "token-of-the-admin", read: "token-to-read" };
  await using guarded = await startCapsule([
    "-mode=registry",
    `-files=${folder}`,
    `-adminToken=${tokens.admin}`,
    `-readToken=${tokens.read}`,
  ]);
  const pushed = await runCapsule([
    "-mode=push",
    `-wasm=${testdata}echo/echo.wasm`,
    `-url=${guarded.url}/me/echo/0.0.0`,
    `-adminToken=${tokens.admin}`,
  ]);
  assert.equal(pushed.code, 0, pushed.stderr);
  const { host } = new URL(guarded.url);
  const http = `${guarded.url}/me/echo/0.0.0/echo.wasm`;
  const oci = `oci://${host}/me/echo:0.0.0`;

  const stranger = await platform.worker([
    `-registry=${platform.registry.url}`,
    `-registryToken=${tokens.read}`,
  ]);
  for (const downloadUrl of [http, oci]) {
    const refused = await deploy(stranger.url, { downloadUrl });
    assert.deepEqual([refused.status, refused.body.code], [502, "DOWNLOAD_FAILED"], downloadUrl);
    assert.match(refused.body.message, /401/);
  }
  const worker = await platform.worker([
    `-registry=${guarded.url}`,
    `-registryToken=${tokens.read}`,
  ], {
    data: `${platform.folder}/b`,
  });
  const missing = await deploy(worker.url, { downloadUrl: `oci://${host}/me/echo:9.9.9` });
  assert.deepEqual([missing.status, missing.body.code], [404, "MODULE_NOT_FOUND"]);
  for (const [revision, downloadUrl] of [["blue", http], ["green", oci]]) {
    const deployed = await deploy(worker.url, { revision, downloadUrl });
    assert.equal(deployed.status, 202, JSON.stringify(deployed.body));
    const response = await fetch(`${platform.proxy.url}/functions/hello/${revision}`, {
      method: "POST",
      body: "👋",
    });
    assert.equal(await response.text(), "👋");
  }
  // Both are the same module, which is stored once.
  const modules = await filesBelow(`${platform.folder}/b/worker/modules`);
  assert.equal(modules.length, 2);
  assert.match(modules.join(" "), /^sha256 sha256\/[0-9a-f]{64}\.wasm$/);
});

Deno.test("worker: without Redis, functions share the store in -data", async () => {
  await using platform = await Platform.start();
  const worker = await platform.worker();
  const downloadUrl = await platform.upload("tests/testdata/go/redis-set/redis-set.wasm", "set");
  const deployed = await deploy(worker.url, { downloadUrl, instances: 2 });
  assert.equal(deployed.status, 202, JSON.stringify(deployed.body));
  for (const [index, url] of deployed.body.localUrls.entries()) {
    const response = await fetch(url, {
      method: "POST",
      body: `value ${index}`,
      headers: { key: `key${index}` },
    });
    assert.equal(response.status, 200, await response.text());
  }
  for (const index of [0, 1]) {
    const { stdout, stderr } = await runCapsule([
      "-mode=cli",
      `-wasm=${testdata}redis-commands/redis-commands.wasm`,
      `-data=${platform.folder}/data`,
      "get",
      `key${index}`,
    ]);
    assert.equal(stdout, `value ${index}\n`, stderr);
  }
});
