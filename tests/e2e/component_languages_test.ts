import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { builtComponentTest, guestLanguages, guestPath } from "../testing/built_components.ts";
import { runCapsule, startCapsule } from "../testing/capsule.ts";

for (const language of guestLanguages) {
  const title = `component in ${language}`;
  const flagOf = (folder: string) => `-wasm=${guestPath(folder, language)}`;

  builtComponentTest(`${title}: receives requests, echoes and streams`, async (folder) => {
    await using server = await startCapsule(["-mode=http", flagOf(folder), "-maxInstances=1"]);
    await assertReceives(server.url);
    await assertEchoes(server.url);
    await assertStreams(server.url);
  });

  builtComponentTest(`${title}: runs in cli mode`, async (folder) => {
    const run = (args: string[], { stdin = "", timeout = "20s" } = {}) => {
      const flags = [flagOf(folder), "-env=NAME=é", `-timeout=${timeout}`];
      return runCapsule(["-mode=cli", ...flags, "--", ...args], { stdin });
    };
    const input = "in é\n".repeat(20_000);
    const { code, stdout, stderr } = await run(["", "👋"], { stdin: input });
    const expected = { args: ["", "👋"], name: "é", input, visited: "1 1" };
    assert.deepEqual(JSON.parse(stdout), expected);
    assert.deepEqual([code, stderr], [0, "an error\n"]);
    assert.equal((await run(["fail"])).code, 1);
    assert.equal((await run(["loop"], { timeout: "1s" })).code, 124);
    // In JavaScript an exception is the error of the result of `run`, elsewhere it traps.
    assert.equal((await run(["throw"])).code, language === "javascript" ? 1 : 134);
  });
}

async function assertReceives(url: string): Promise<void> {
  for (const method of ["GET", "POST", "PUT", "DELETE", "PATCH", "PURGE"]) {
    const body = method === "GET" ? "" : `${method} 👋 é`;
    const response = await fetch(`${url}/request?a=b&c=%20`, {
      method,
      headers: { "X-One": "1", "x-two": "a, b" },
      body: body || undefined,
    });
    assert.deepEqual(await response.json(), {
      method,
      query: "?a=b&c=%20",
      headers: [["x-one", "1"], ["x-two", "a, b"]],
      body,
    });
  }
  const head = await fetch(url, { method: "HEAD" });
  assert.deepEqual([head.status, await head.text()], [200, ""]);
}

async function assertEchoes(url: string): Promise<void> {
  for (const size of [0, 1, 4097, 65_537, 3_000_000]) {
    const body = new Uint8Array(size).map((_, at) => at * 7 + (at >> 8));
    const headers = { "content-type": "a/b" };
    const response = await fetch(`${url}/echo`, { method: "POST", headers, body });
    assert.equal(response.status, 201);
    assert.equal(response.headers.get("x-a"), "1");
    assert.equal(response.headers.get("content-type"), "a/b");
    const echoed = Buffer.from(await response.arrayBuffer());
    assert.equal(Buffer.compare(echoed, body), 0, `${size} bytes`);
  }
}

/** Leaves a response without end three times; then the only instance must be free again. */
async function assertStreams(url: string): Promise<void> {
  for (let client = 0; client < 3; client++) {
    const response = await fetch(`${url}/drip`);
    const reader = response.body?.getReader();
    for (let chunk = 0; chunk < 3; chunk++) assert.ok((await reader?.read())?.value);
    await reader?.cancel();
  }
  assert.equal(await (await fetch(url)).text(), "1 1");
}

builtComponentTest("component in javascript: threads serve it", async (folder) => {
  const flags = [`-wasm=${folder}/guest_javascript.wasm`, "-threads=2"];
  await using server = await startCapsule(["-mode=http", ...flags]);
  const texts = Array.from({ length: 20 }, async () => await (await fetch(server.url)).text());
  assert.deepEqual(new Set(await Promise.all(texts)), new Set(["1 1"]));
});
