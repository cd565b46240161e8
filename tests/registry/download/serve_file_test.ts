import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { bytesOf, form, sha256, testRegistry, wasm } from "../test_registry.ts";

const module = wasm("0123456789", 500_000);
const path = "/k33g/hola/1/hola.wasm";

async function withModule() {
  const server = await testRegistry();
  await (await server.call("POST", "/upload/k33g/hola/1", { body: form(module) })).body?.cancel();
  return server;
}

Deno.test("serveFile: states type, length, and the digest as ETag and Repr-Digest", async () => {
  await using server = await withModule();
  for (const method of ["GET", "HEAD"]) {
    const response = await server.call(method, path);
    const { headers } = response;
    assert.equal(response.status, 200);
    assert.equal(headers.get("content-type"), "application/wasm");
    assert.equal(headers.get("content-length"), String(module.length));
    assert.equal(headers.get("etag"), `"${sha256(module)}"`);
    const base64 = createHash("sha256").update(module).digest("base64");
    assert.equal(headers.get("repr-digest"), `sha-256=:${base64}:`);
    assert.equal(headers.get("accept-ranges"), "bytes");
    assert.deepEqual(await bytesOf(response), method === "HEAD" ? new Uint8Array(0) : module);
  }
});

Deno.test("serveFile: responds 304 to a client that has the bytes", async () => {
  await using server = await withModule();
  const etag = `"${sha256(module)}"`;
  for (const value of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const response = await server.call("GET", path, { headers: { "if-none-match": value } });
    assert.equal(response.status, 304, value);
    assert.equal(await response.text(), "");
    assert.equal(response.headers.get("etag"), etag);
  }
  const other = await server.call("GET", path, { headers: { "if-none-match": '"other"' } });
  assert.equal(other.status, 200);
  await other.body?.cancel();
});

Deno.test("serveFile: sends exactly the bytes of a range", async () => {
  await using server = await withModule();
  const size = module.length;
  const rows: [string, number, number][] = [
    ["bytes=0-0", 0, 1],
    ["bytes=10-19", 10, 20],
    ["bytes=400000-", 400_000, size],
    ["bytes=-7", size - 7, size],
    [`bytes=-${size + 5}`, 0, size],
    [`bytes=${size - 1}-${size + 1000}`, size - 1, size],
  ];
  for (const [range, start, end] of rows) {
    const response = await server.call("GET", path, { headers: { range } });
    assert.equal(response.status, 206, range);
    assert.equal(response.headers.get("content-range"), `bytes ${start}-${end - 1}/${size}`);
    assert.equal(response.headers.get("content-length"), String(end - start));
    assert.deepEqual(await bytesOf(response), module.slice(start, end), range);
  }
  for (const range of [`bytes=${size}-`, "bytes=5-4", "bytes=-0"]) {
    const response = await server.call("GET", path, { headers: { range } });
    assert.equal(response.status, 416, range);
    assert.equal(response.headers.get("content-range"), `bytes */${size}`);
  }
  const ignored: Record<string, string>[] = [{ range: "lines=1-2" }, {
    range: "bytes=0-1",
    "if-range": '"old"',
  }];
  for (const headers of ignored) {
    const response = await server.call("GET", path, { headers });
    assert.equal(response.status, 200);
    assert.equal((await bytesOf(response)).length, size);
  }
});

Deno.test("serveFile: closes the file when the client leaves in the middle", async () => {
  await using server = await withModule();
  for (const range of ["", "bytes=10-"]) {
    const response = await server.call("GET", path, { headers: { range } });
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
  }
  // The test runner's resource sanitizer finds a file that is open.
});

Deno.test("serveFile: sends the same bytes through both interfaces", async () => {
  await using server = await withModule();
  const blob = `/v2/k33g/hola/blobs/${sha256(module)}`;
  assert.deepEqual(await bytesOf(await server.call("GET", path)), module);
  assert.deepEqual(await bytesOf(await server.call("GET", blob)), module);
  const part = await server.call("GET", blob, { headers: { range: "bytes=100000-300000" } });
  assert.deepEqual(await bytesOf(part), module.slice(100_000, 300_001));
});

Deno.test("serveFile: sends the new bytes of a tag that moved", async () => {
  await using server = await testRegistry({ overwrite: true });
  for (const each of [module, wasm("other bytes"), module]) {
    await (await server.call("POST", "/upload/k33g/hola/1", { body: form(each) })).body?.cancel();
    assert.deepEqual(await bytesOf(await server.call("GET", path)), each);
  }
});

Deno.test("serveFile: fails before it responds for a file that is missing or damaged", async () => {
  await using server = await withModule();
  const file = server.registry.store.blobs.path(sha256(module));
  await Deno.remove(file);
  const missing = await server.call("GET", path);
  assert.equal(missing.status, 500);
  await missing.body?.cancel();
  await Deno.writeFile(file, module.subarray(0, 400_000));
  for (const range of ["", "bytes=0-9"]) {
    const damaged = await server.call("GET", path, { headers: { range } });
    assert.equal(damaged.status, 500);
    await damaged.body?.cancel();
    assert.match(server.stderr(), /is damaged: it has 400000 of/);
  }
  await Deno.writeFile(file, module);
  assert.deepEqual(await bytesOf(await server.call("GET", path)), module);
});
