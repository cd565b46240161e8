import assert from "node:assert/strict";
import { callJson, Platform } from "../testing/platform.ts";

const text = async (url: string, init?: RequestInit): Promise<string> =>
  (await fetch(url, init)).text();

Deno.test("the description's calls: deploy, call, scale, default, list, remove, with the bodies of the original", async () => {
  await using platform = await Platform.start();
  const worker = await platform.worker();
  const downloadUrl = await platform.upload("examples/hello-http/hello.wasm", "hello");
  const proxy = platform.proxy.url;
  const blue = { function: "hello", revision: "blue" };
  const envVariables = { MESSAGE: "👋 hello" };

  const deployed = await callJson("POST", `${worker.url}/functions/deploy`, {
    body: { ...blue, downloadUrl, envVariables },
  });
  const { localUrl } = deployed.body;
  assert.match(localUrl, /^http:\/\/localhost:\d+$/);
  assert.deepEqual(deployed, {
    status: 202,
    body: {
      code: "FUNCTION_DEPLOYED",
      message: "Function deployed",
      ...blue,
      localUrl,
      remoteUrl: `${proxy}/functions/hello/blue`,
    },
  });
  assert.deepEqual(await platform.routes(), { hello: { blue: [localUrl] } });
  assert.equal(await text(`${proxy}/functions/hello/blue`), '{"message": "hey people!"}');

  const again = await callJson("POST", `${worker.url}/functions/deploy`, {
    body: { ...blue, downloadUrl },
  });
  assert.equal(again.status, 202);
  assert.deepEqual(
    await callJson("POST", `${worker.url}/functions/set_default_revision`, { body: blue }),
    {
      status: 202,
      body: {
        code: "DEFAULT_REVISION_REGISTERED",
        message: "Default revision registered",
        ...blue,
        url: `${proxy}/functions/hello`,
      },
    },
  );
  const scaled = await callJson("POST", `${worker.url}/functions/scale`, {
    body: { ...blue, instances: 3 },
  });
  assert.equal(scaled.body.code, "FUNCTION_SCALED");
  const urls = [localUrl, again.body.localUrl, ...scaled.body.localUrls];
  assert.equal(new Set(urls).size, 3);
  assert.deepEqual(await platform.routes(), { hello: { blue: urls, default: urls } });
  assert.equal(await text(`${proxy}/functions/hello`), '{"message": "hey people!"}');

  const { body: list } = await callJson("GET", `${worker.url}/functions/list`);
  const { wasmModules, ...revision } = list.hello.blue;
  assert.equal(revision.wasmRegistryUrl, downloadUrl);
  assert.equal(revision.isDefaultRevision, true);
  assert.equal(revision.instances, 3);
  assert.equal(Object.keys(wasmModules).length, 3);
  let requests = 0;
  for (const [pid, listed] of Object.entries(wasmModules)) {
    assert.ok(Number(pid) > 0);
    const { memoryBytes, requests: some, ...rest } = Object(listed);
    assert.ok(memoryBytes > 1_000_000);
    requests += some;
    const expected = {
      remoteUrl: `${proxy}/functions/hello/blue`,
      envVariables,
      state: "running",
      restarts: 0,
    };
    assert.deepEqual({ ...rest, localUrl: urls.includes(rest.localUrl) }, {
      ...expected,
      localUrl: true,
    });
  }
  assert.equal(requests, 2);

  assert.deepEqual(
    await callJson("DELETE", `${worker.url}/functions/remove_default_revision`, {
      body: { function: "hello" },
    }),
    {
      status: 202,
      body: {
        code: "DEFAULT_REVISION_REMOVED",
        message: "Default revision removed",
        function: "hello",
      },
    },
  );
  assert.deepEqual(await platform.routes(), { hello: { blue: urls } });
  await callJson("POST", `${worker.url}/functions/scale`, { body: { ...blue, instances: 1 } });
  assert.deepEqual(await platform.routes(), { hello: { blue: [localUrl] } });
  assert.deepEqual(
    await callJson("DELETE", `${worker.url}/functions/revisions/deployments`, { body: blue }),
    {
      status: 202,
      body: {
        code: "REVISION_DEPLOYMENT_REMOVED",
        message: "revision deployment removed (all processes killed)",
        ...blue,
      },
    },
  );
  assert.deepEqual(await platform.routes(), {});
  assert.deepEqual((await callJson("GET", `${worker.url}/functions/list`)).body, {});
});
