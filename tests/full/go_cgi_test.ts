import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { TemporaryFolder } from "../testing/temporary_folder.ts";
import { startCapsule } from "../testing/capsule.ts";
import { buildGo, goTest } from "../testing/go_program.ts";

goTest("a site of Go's net/http is served through its own CGI package, files and all", async () => {
  using folder = new TemporaryFolder();
  const source = fileURLToPath(new URL("../testdata/wasi/go-cgi", import.meta.url));
  await buildGo(source, { output: folder.at("site.wasm") });
  const file = new Uint8Array(3_000_000).map((_, at) => at * 7 + (at >> 8));
  folder.write("inside/big", file);
  await using server = await startCapsule([
    "-mode=http",
    `-wasm=${folder.at("site.wasm")}`,
    `-dir=${folder.inside}::/data`,
  ]);
  const at = (path: string) => `${server.url}${path}`;

  const hello = await fetch(at("/hello/b%20%C3%A9?q=%E2%98%B9"), { headers: { "x-a": "me" } });
  assert.equal(await hello.text(), "hello b é, ☹, from me");
  assert.equal(hello.headers.get("set-cookie"), "visited=yes");
  const json = await fetch(at("/json"), { method: "POST", body: '{"a":[1]}' });
  assert.deepEqual([json.status, await json.json()], [200, { got: { a: [1] }, length: 9 }]);
  const bad = await fetch(at("/json"), { method: "POST", body: "x" });
  assert.equal(bad.status, 400);
  assert.match(await bad.text(), /invalid character/);
  const moved = await fetch(at("/moved"), { redirect: "manual" });
  assert.deepEqual([moved.status, moved.headers.get("location")], [303, "/hello/again"]);
  await moved.body?.cancel();
  const nothing = await fetch(at("/files/nothing"));
  assert.equal(nothing.status, 404);
  await nothing.body?.cancel();

  const whole = await fetch(at("/files/big"));
  assert.deepEqual(new Uint8Array(await whole.arrayBuffer()), file);
  const head = await fetch(at("/files/big"), { method: "HEAD" });
  assert.deepEqual([head.headers.get("content-length"), await head.text()], ["3000000", ""]);
  const part = await fetch(at("/files/big"), { headers: { range: "bytes=10-19" } });
  assert.deepEqual([part.status, new Uint8Array(await part.arrayBuffer())], [
    206,
    file.slice(10, 20),
  ]);

  const panic = await fetch(at("/panic"));
  assert.deepEqual([panic.status, (await panic.json()).code], [502, "BAD_ANSWER"]);
  assert.ok(await server.stderr.line((line) => line.includes('"message":"panic: boom"')));
});
