import assert from "node:assert/strict";
import { RegistryClient } from "../../src/registry/client.ts";
import { sha256, testRegistry, wasm } from "./test_registry.ts";

Deno.test("the client uploads, lists, reads and removes what the registry has", async () => {
  await using registry = await testRegistry({ adminToken: "s3cret" });
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => registry.registry.handler(request),
  );
  try {
    const url = `http://127.0.0.1:${server.addr.port}/`;
    const client = new RegistryClient({ url, token: "s3cret" });
    const name = { user: "k33g", module: "hola", tag: "1" };
    let sent = 0;
    const digest = await client.upload(name, {
      bytes: wasm("hola"),
      info: "a 👋",
      onBytes: (length) => sent += length,
    });
    assert.equal(digest, sha256(wasm("hola")));
    assert(sent > wasm("hola").length);
    assert.equal(client.moduleUrl(name), `${url}k33g/hola/1/hola.wasm`);
    assert.equal(await client.info(name), "a 👋");
    assert.deepEqual((await client.modules({ user: "k33g" })).map(({ tag, digest }) => [tag, digest]), [[
      "1",
      digest,
    ]]);
    assert.deepEqual(await client.modules({ user: "nobody" }), []);

    await assert.rejects(client.upload(name, { bytes: wasm("other") }), {
      code: "REGISTRY",
      message: /answers 409: k33g\/hola\/1 holds other bytes/,
    });
    await assert.rejects(new RegistryClient({ url }).remove(name), /answers 401: this needs the token/);
    await client.remove(name);
    assert.deepEqual(await client.modules(), []);
  } finally {
    await server.shutdown();
  }
  await assert.rejects(
    new RegistryClient({ url: "http://127.0.0.1:1" }).modules(),
    /cannot reach the registry http:\/\/127\.0\.0\.1:1: /,
  );
});
