import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { WrkLoad } from "../../scripts/bench/wrk.ts";
import { callJson, childrenOf, filesBelow, Platform, until } from "../testing/platform.ts";

const hasWrk = await WrkLoad.isHere();
const script = fileURLToPath(new URL("../../scripts/bench/wrk_report.lua", import.meta.url));

/**
 * Sends POST requests, which no proxy may repeat, until it is stopped; returns the counts of `wrk`.
 */
function load(url: string) {
  const child = new Deno.Command("wrk", {
    args: ["-t1", "-c8", "-d120s", "--timeout=20s", "-s", script, url, "POST", "👋"],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return {
    async stop(): Promise<{ requests: number; errors: number }> {
      child.kill("SIGINT");
      const lines = new TextDecoder().decode((await child.output()).stdout).split("\n");
      return JSON.parse(lines.find((line) => line.startsWith("{")) ?? "");
    },
  };
}

Deno.test({
  name: "worker: no request fails under load while revisions change",
  ignore: !hasWrk && !Deno.env.has("CI"),
  async fn() {
    await using platform = await Platform.start();
    const worker = await platform.worker();
    const downloadUrl = await platform.upload("examples/hello/hello.wasm", "hello");
    const call = async (method: string, path: string, body: Record<string, unknown>) => {
      const answer = await callJson(method, `${worker.url}/functions/${path}`, {
        body: { function: "hello", ...body },
      });
      assert.equal(answer.status, 202, JSON.stringify(answer.body));
    };
    await call("POST", "deploy", { revision: "blue", downloadUrl, instances: 2 });
    await call("POST", "set_default_revision", { revision: "blue" });
    const loading = load(`${platform.proxy.url}/functions/hello`);

    await call("POST", "deploy", { revision: "green", downloadUrl });
    await call("POST", "set_default_revision", { revision: "green" });
    await call("POST", "scale", { revision: "green", instances: 3 });
    await call("DELETE", "revisions/deployments", { revision: "blue" });
    await call("POST", "deploy", { revision: "blue", downloadUrl, idle: "1h" });
    await call("POST", "set_default_revision", { revision: "blue" });
    await call("POST", "scale", { revision: "green", instances: 1 });
    await call("DELETE", "revisions/deployments", { revision: "green" });
    await call("POST", "scale", { revision: "blue", instances: 2 });
    await call("POST", "scale", { revision: "blue", instances: 1 });

    const { requests, errors } = await loading.stop();
    assert.ok(requests > 100, String(requests));
    assert.equal(errors, 0, `${errors} of ${requests} requests failed`);
  },
});

Deno.test("worker: repeated deployments leave no process, file, port or route", async () => {
  const rounds = Deno.env.has("CAPSULE_TEST_FULL") ? 100 : 6;
  await using platform = await Platform.start();
  const worker = await platform.worker();
  const downloadUrl = await platform.upload("examples/hello/hello.wasm", "hello");
  const files = async () => (await filesBelow(`${platform.folder}/data`)).join(" ");
  let clean: string | undefined;
  for (let round = 0; round < rounds; round += 2) {
    // Two at a time, one of which may sleep.
    await Promise.all(["a", "b"].map(async (name) => {
      const what = { function: name, revision: "blue" };
      const body = { ...what, downloadUrl, ...(name === "b" && { idle: "1h" }) };
      const deployed = await callJson("POST", `${worker.url}/functions/deploy`, { body });
      assert.equal(deployed.status, 202, JSON.stringify(deployed.body));
      const answer = await fetch(`${platform.proxy.url}/functions/${name}/blue`);
      assert.match(await answer.text(), /Hello/);
      await callJson("DELETE", `${worker.url}/functions/revisions/deployments`, { body: what });
      await assert.rejects(fetch(deployed.body.localUrl), TypeError);
    }));
    assert.deepEqual(await platform.routes(), {});
    if (Deno.build.os === "linux") {
      await until(() => childrenOf(worker.pid), (found) => found.length === 0);
    }
    clean ??= await until(files, (found) => !found.includes(".wasm"));
    assert.equal(await until(files, (found) => found === clean), clean);
  }
  const open = await Array.fromAsync(Deno.readDir(`/proc/${worker.pid}/fd`)).catch(() => []);
  assert.ok(open.length < 60, `the worker has ${open.length} descriptors open`);
});
