import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { startCapsule } from "../testing/capsule.ts";

const guest = fileURLToPath(new URL("../testdata/go/redis-set/redis-set.wasm", import.meta.url));

Deno.test("what many calls write moves from the log into the file while the server runs", async () => {
  const folder = await Deno.makeTempDir({ prefix: "capsule-store-" });
  try {
    await using server = await startCapsule([`-wasm=${guest}`], { cwd: folder });
    const data = `${folder}/.capsule/data.db`;
    // The log is moved by a thread of its own, whose file the compiled program must carry. Writes go on until it was
    // seen to have worked; 400 MB without it are a failure.
    const body = "é".repeat(512 * 1024);
    const megabyte = 2 ** 20;
    let moved = 0;
    for (let i = 0; i < 400 && moved < megabyte; i++) {
      const response = await fetch(server.url, { method: "POST", body, headers: { key: `key ${i % 8}` } });
      assert.equal(await response.text(), "");
      assert.equal(response.status, 200);
      moved = (await Deno.stat(data)).size;
    }
    assert.ok(moved >= megabyte, `${data} has ${moved} bytes after 400 MB of writes`);
    assert.equal((await server.stop()).code, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
