import assert from "node:assert/strict";
import { uploadModule } from "../../src/oci/upload_module.ts";
import { sha256, testRegistry, wasm } from "../registry/test_registry.ts";

Deno.test("uploadModule: uploads a module with its description, and reports a refusal's message", async () => {
  await using registry = await testRegistry({ adminToken: "s3cret" });
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => registry.registry.handler(request),
  );
  const name = { user: "k33g", module: "hola", tag: "1" };
  try {
    const origin = `http://127.0.0.1:${server.addr.port}`;
    let sent = 0;
    const digest = await uploadModule(name, {
      origin,
      token: "s3cret",
      bytes: wasm("hola"),
      info: "a 👋",
      onBytes: (length) => sent += length,
    });
    assert.equal(digest, sha256(wasm("hola")));
    assert(sent > wasm("hola").length);
    assert.equal(await (await registry.call("GET", "/info/k33g/hola/1")).text(), "a 👋\n");

    const other = { origin, bytes: wasm("other"), info: "" };
    await assert.rejects(uploadModule(name, { ...other, token: "s3cret" }), {
      code: "REGISTRY",
      status: 409,
      message: /responded with 409: k33g\/hola\/1 holds other bytes/,
    });
    await assert.rejects(uploadModule(name, other), {
      status: 401,
      message: /responded with 401: this needs the token/,
    });
  } finally {
    await server.shutdown();
  }
  await assert.rejects(
    uploadModule(name, { origin: "http://127.0.0.1:1", bytes: wasm(), info: "" }),
    /cannot reach the registry http:\/\/127\.0\.0\.1:1: /,
  );
});
