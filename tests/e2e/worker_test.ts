import assert from "node:assert/strict";
import { callJson, Platform } from "../testing/platform.ts";

const text = async (url: string, init?: RequestInit): Promise<string> =>
  (await fetch(url, init)).text();

Deno.test("worker: the calls of 0.1.3 have the responses of 0.1.3", async (test) => {
  await using platform = await Platform.start();
  const worker = await platform.worker();
  const downloadUrl = await platform.upload("examples/hello-http/hello.wasm", "hello");
  const proxy = platform.proxy.url;
  const blue = { function: "hello", revision: "blue" };
  const envVariables = { MESSAGE: "👋 hello" };
  const functions = `${worker.url}/functions`;
  const urls: string[] = [];

  await test.step("deploy", async () => {
    const deployed = await callJson("POST", `${functions}/deploy`, {
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
    urls.push(localUrl);
    assert.deepEqual(await platform.routes(), { hello: { blue: urls } });
    assert.equal(await text(`${proxy}/functions/hello/blue`), '{"message": "hey people!"}');
  });

  await test.step("deploy again adds an instance", async () => {
    const again = await callJson("POST", `${functions}/deploy`, { body: { ...blue, downloadUrl } });
    assert.equal(again.status, 202);
    urls.push(again.body.localUrl);
  });

  await test.step("set_default_revision", async () => {
    assert.deepEqual(await callJson("POST", `${functions}/set_default_revision`, { body: blue }), {
      status: 202,
      body: {
        code: "DEFAULT_REVISION_REGISTERED",
        message: "Default revision registered",
        ...blue,
        url: `${proxy}/functions/hello`,
      },
    });
  });

  await test.step("scale up", async () => {
    const scaled = await callJson("POST", `${functions}/scale`, {
      body: { ...blue, instances: 3 },
    });
    assert.equal(scaled.body.code, "FUNCTION_SCALED");
    urls.push(...scaled.body.localUrls);
    assert.equal(new Set(urls).size, 3);
    assert.deepEqual(await platform.routes(), { hello: { blue: urls, default: urls } });
    assert.equal(await text(`${proxy}/functions/hello`), '{"message": "hey people!"}');
  });

  await test.step("list", async () => {
    const { body: list } = await callJson("GET", `${functions}/list`);
    const { wasmModules, ...revision } = list.hello.blue;
    assert.equal(revision.wasmRegistryUrl, downloadUrl);
    assert.equal(revision.isDefaultRevision, true);
    assert.equal(revision.instances, 3);
    assert.equal(Object.keys(wasmModules).length, 3);
    let requests = 0;
    for (const [pid, listed] of Object.entries(wasmModules)) {
      assert.ok(Number(pid) > 0);
      const { memoryBytes, requests: some, localUrl, ...rest } = Object(listed);
      assert.ok(memoryBytes > 1_000_000);
      requests += some;
      assert.ok(urls.includes(localUrl), localUrl);
      assert.deepEqual(rest, {
        remoteUrl: `${proxy}/functions/hello/blue`,
        envVariables,
        state: "running",
        restarts: 0,
      });
    }
    assert.equal(requests, 2);
  });

  await test.step("remove_default_revision", async () => {
    const body = { function: "hello" };
    assert.deepEqual(await callJson("DELETE", `${functions}/remove_default_revision`, { body }), {
      status: 202,
      body: {
        code: "DEFAULT_REVISION_REMOVED",
        message: "Default revision removed",
        function: "hello",
      },
    });
    assert.deepEqual(await platform.routes(), { hello: { blue: urls } });
  });

  await test.step("scale down", async () => {
    await callJson("POST", `${functions}/scale`, { body: { ...blue, instances: 1 } });
    assert.deepEqual(await platform.routes(), { hello: { blue: urls.slice(0, 1) } });
  });

  await test.step("remove a revision", async () => {
    assert.deepEqual(
      await callJson("DELETE", `${functions}/revisions/deployments`, { body: blue }),
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
    assert.deepEqual((await callJson("GET", `${functions}/list`)).body, {});
  });
});
