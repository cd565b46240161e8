import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runCapsule, startCapsule } from "../testing/capsule.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const guestAt = (name: string) =>
  fileURLToPath(new URL(`../testdata/go/${name}/${name}.wasm`, import.meta.url));
const guest = guestAt("redis-set");

Deno.test("embedded store: a running server checkpoints its log into the file", async () => {
  await inFolder(async (folder) => {
    await using server = await startCapsule([`-wasm=${guest}`], { cwd: folder });
    const data = `${folder}/.capsule/data.db`;
    // The compiled program must include the worker thread's file. Writes continue until a
    // checkpoint has happened; 400 MB without one are a failure.
    const body = "é".repeat(512 * 1024);
    const megabyte = 2 ** 20;
    let moved = 0;
    for (let i = 0; i < 400 && moved < megabyte; i++) {
      const response = await fetch(server.url, {
        method: "POST",
        body,
        headers: { key: `key ${i % 8}` },
      });
      assert.equal(await response.text(), "");
      assert.equal(response.status, 200);
      moved = (await Deno.stat(data)).size;
    }
    assert.ok(moved >= megabyte, `${data} has ${moved} bytes after 400 MB of writes`);
    assert.equal((await server.stop()).code, 0);
  }, "capsule-store-");
});

Deno.test("embedded store: the threads of two servers share one folder", async () => {
  await inFolder(async (folder) => {
    const start = (name: string) =>
      startCapsule([`-wasm=${guestAt(name)}`, "-threads=2"], { cwd: folder });
    await using writer = await start("redis-set");
    await using reader = await start("stores");
    for (let turn = 0; turn < 30; turn++) {
      // A new client makes a new connection, which either thread may accept.
      using client = Deno.createHttpClient({});
      const headers = { key: "greetings" };
      const written = await fetch(writer.url, {
        method: "POST",
        body: `value ${turn}`,
        headers,
        client,
      });
      assert.deepEqual([written.status, await written.text()], [200, ""]);
      assert.equal(await (await fetch(reader.url, { client })).text(), `value ${turn}`);
    }
  }, "capsule-store-");
});

Deno.test("embedded store: no function can open its file, whatever is granted", async () => {
  await inFolder(async (folder) => {
    // While the store is open, its log is beside the file.
    await using server = await startCapsule([`-wasm=${guest}`], { cwd: folder });
    await (await fetch(server.url, { method: "POST", body: "v", headers: { key: "k" } })).text();
    const before = await Deno.readFile(`${folder}/.capsule/data.db`);
    const call = (...args: string[]) =>
      runCapsule(["-mode=cli", `-wasm=${guestAt("files")}`, `-dir=${folder}`, ...args], {
        cwd: folder,
      });
    // Other files in the folder can be opened.
    assert.equal((await call("write", ".capsule/note.txt", "mine")).stdout, "file created\n");
    for (const path of [".capsule/data.db", `${folder}/.capsule/data.db`, ".capsule/data.db-wal"]) {
      for (const args of [["read", path], ["write", path, "spoilt"]]) {
        const { code, stdout, stderr } = await call(...args);
        assert.deepEqual([code, stdout], [1, ""], args.join(" "));
        assert.match(stderr, /data\.db\S*: permission denied/);
      }
    }
    assert.deepEqual(await Deno.readFile(`${folder}/.capsule/data.db`), before);
  }, "capsule-store-");
});
