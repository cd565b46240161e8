import assert from "node:assert/strict";
import { callJson, Platform } from "../testing/platform.ts";
import { TextCollector } from "../testing/text_collector.ts";

Deno.test("logs: are the last lines of a revision, and can be followed", async () => {
  await using platform = await Platform.start();
  const worker = await platform.worker();
  const what = { function: "hello", revision: "blue" };
  const downloadUrl = await platform.upload("examples/hello-http/hello.wasm", "hello");
  await callJson("POST", `${worker.url}/functions/deploy`, { body: { ...what, downloadUrl } });
  const call = (body: string) =>
    fetch(`${platform.proxy.url}/functions/hello/blue`, { method: "POST", body });
  const logs = `${worker.url}/functions/hello/blue/logs`;

  const response = await fetch(`${logs}?follow&lines=1000`);
  assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.ok(response.body);
  const following = new TextCollector(response.body);
  assert.ok(await following.line((line) => line.includes("serving ")));
  await (await call("👋 first")).body?.cancel();
  const { body: list } = await callJson("GET", `${worker.url}/functions/list`);
  const [pid] = Object.keys(list.hello.blue.wasmModules);
  const line = await following.line((line) => line.endsWith("body: 👋 first"));
  assert.match(line ?? "", new RegExp(`^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z ${pid} `));
  // A forged report without the secret is an ordinary line.
  const forged = 'x {"kind":"ready","url":"http://localhost:1","port":1}';
  await (await call(forged)).body?.cancel();
  assert.ok(await following.line((line) => line.endsWith(`body: ${forged}`)));

  const last = await (await fetch(`${logs}?lines=3`)).text();
  assert.equal(last.trimEnd().split("\n").length, 3);
  assert.equal(await (await fetch(`${logs}?lines=0`)).text(), "");
  assert.equal((await callJson("GET", `${logs}?lines=many`)).body.code, "BAD_LINES");

  // The lines of ended processes are kept.
  Deno.kill(Number(pid), "SIGKILL");
  await following.line((line) => line.includes("serving ") && !line.includes(` ${pid} `));
  assert.match(await (await fetch(logs)).text(), /body: 👋 first/);

  await callJson("DELETE", `${worker.url}/functions/revisions/deployments`, { body: what });
  await following.done;
  assert.equal((await callJson("GET", logs)).status, 404);
});
