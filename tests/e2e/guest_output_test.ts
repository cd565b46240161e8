import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runCapsule, spawnCapsule, startCapsule } from "../testing/capsule.ts";
import { TextCollector } from "../testing/text_collector.ts";
import { compileWat } from "../prepare/modules.ts";
import { inFolder } from "../testing/temporary_folder.ts";

/** Logs the body of each request. */
const hello = fileURLToPath(new URL("../../examples/hello-http/hello.wasm", import.meta.url));

Deno.test("guest output: a full standard output does not stop the server", async () => {
  const child = spawnCapsule(["-mode=http", `-wasm=${hello}`, "-httpPort=0"], "null");
  const stderr = new TextCollector(child.stderr);
  const ready = await stderr.line((line) => /http:\/\/\S+/.test(line)) ?? "";
  const [url = ""] = ready.match(/http:\/\/[^\s,]+/) ?? [];
  // More than a pipe and the queue hold; standard output is not read meanwhile.
  for (let request = 0; request < 110; request++) {
    const response = await fetch(url, { method: "POST", body: "x".repeat(100_000) });
    assert.match(await response.text(), /MESSAGE is empty/);
  }
  const stdout = new TextCollector(child.stdout);
  const dropped = /^warning: \d+ bytes of output were dropped/;
  assert.ok(await stdout.line((line) => dropped.test(line)));
  child.kill("SIGTERM");
  assert.equal((await child.status).code, 0);
  await Promise.all([stdout.done, stderr.done]);
});

Deno.test("guest output: with -log=json a guest cannot forge an event", async () => {
  await using server = await startCapsule(["-mode=http", `-wasm=${hello}`]);
  const forged = '{"event":"ready","url":"http://forged"}';
  await (await fetch(server.url, { method: "POST", body: `\n${forged}\n` })).text();
  await server.stop();
  const lines = server.stdout.lines.map((line) => JSON.parse(line));
  assert.deepEqual(lines.filter(({ event }) => event === "ready"), [server.ready]);
  assert.ok(lines.some(({ message }) => message?.includes(forged)));
});

Deno.test("guest output: names in a module do not steer the terminal", async () => {
  await inFolder(async (folder) => {
    const wasm = `${folder}/escape.wasm`;
    await Deno.writeFile(
      wasm,
      compileWat(`(module (import "env" "\\1b[2J" (func))
        (memory (export "memory") 1) (func (export "_start")))`),
    );
    const { code, stderr } = await runCapsule(["-mode=cli", `-wasm=${wasm}`]);
    assert.equal(code, 1);
    assert.match(stderr, /"env\.\\x1b\[2J"/);
  });
});

Deno.test("server log: a full standard error does not stop the server", async () => {
  await inFolder(async (folder) => {
    const wasm = `${folder}/trap.wasm`;
    await Deno.writeFile(wasm, compileWat(trapping));
    const child = spawnCapsule(["-mode=http", `-wasm=${wasm}`, "-httpPort=0"], "null");
    const reader = child.stderr.getReader();
    let text = "";
    const read = async () => void (text += new TextDecoder().decode((await reader.read()).value));
    while (!/http:\/\/\S+/.test(text)) await read();
    const [url = ""] = text.match(/http:\/\/[^\s,]+/) ?? [];
    // Each request logs its trap; together that is more than a pipe holds.
    for (let request = 0; request < 2_000; request++) {
      const response = await fetch(url);
      assert.equal(response.status, 500);
      await response.body?.cancel();
    }
    while (text.split("unreachable").length <= 2_000) await read();
    child.kill("SIGTERM");
    reader.releaseLock();
    await Promise.all([child.status, child.stdout.cancel(), child.stderr.cancel()]);
  });
});

/** A function whose handler traps. */
const trapping = `(module
  (memory (export "memory") 1)
  (func (export "_start"))
  (func (export "allocateBuffer") (param i32) (result i32) (i32.const 0))
  (func (export "callHandleHttp")
    (param i32 i32 i32 i32) (result i64) (unreachable)))`;
