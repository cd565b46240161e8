import assert from "node:assert/strict";
import { outerNames } from "../../src/component/format/outer_names.ts";
import { pushModule } from "../../src/oci/push_module.ts";
import { sha256, testRegistry, wasm } from "../registry/test_registry.ts";

Deno.test("pushModule: sends a large module in chunks, larger ones if the registry asks for them", async () => {
  const mebibyte = 1024 * 1024;
  const bytes = wasm("large", 18 * mebibyte);
  for (
    const [asked, chunk] of [[undefined, 4 * mebibyte], [String(mebibyte), 4 * mebibyte], [
      "7000000",
      7e6,
    ]] as const
  ) {
    await using registry = await testRegistry();
    const ranges: string[] = [];
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      async (request) => {
        const range = request.headers.get("content-range");
        if (range !== null) ranges.push(range);
        const response = await registry.registry.handler(request);
        if (request.method === "POST" && asked !== undefined) {
          response.headers.set("oci-chunk-min-length", asked);
        }
        return response;
      },
    );
    try {
      let sent = 0;
      await pushModule({
        reference: {
          host: `127.0.0.1:${server.addr.port}`,
          repository: "a/b",
          tag: "1",
          digest: undefined,
        },
        bytes,
        info: "",
        credentials: () => Promise.resolve(undefined),
        onBytes: (length) => sent += length,
      });
      assert.equal(sent, bytes.length);
      const expected: string[] = [];
      for (let at = 0; at < bytes.length; at += chunk) {
        expected.push(`${at}-${Math.min(at + chunk, bytes.length) - 1}`);
      }
      assert.deepEqual(ranges, expected);
      const stored = registry.registry.store.catalog.tagged("a/b", "1")?.manifest.module;
      assert.equal(stored?.digest, sha256(bytes));
    } finally {
      await server.shutdown();
    }
  }
});

Deno.test("pushModule: the config of a component has wasip2, its imports and its exports", async () => {
  await using registry = await testRegistry();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => registry.registry.handler(request),
  );
  const host = `127.0.0.1:${server.addr.port}`;
  const bytes = Deno.readFileSync(
    new URL("../../examples/component-rust/component_rust.wasm", import.meta.url),
  );
  try {
    const component = outerNames(bytes);
    assert.ok(component.exports.some((name) => name.startsWith("wasi:http/incoming-handler@0.2.")));
    assert.ok(component.imports.some((name) => name.startsWith("wasi:http/types@0.2.")));
    await pushModule({
      reference: { host, repository: "a/b", tag: "1", digest: undefined },
      bytes,
      info: "",
      component,
      credentials: () => Promise.resolve(undefined),
    });
    const get = async (path: string) => await (await fetch(`http://${host}/v2/a/b/${path}`)).json();
    const manifest = await get("manifests/1");
    assert.equal(manifest.config.mediaType, "application/vnd.wasm.config.v0+json");
    const { created: _, ...config } = await get(`blobs/${manifest.config.digest}`);
    assert.deepEqual(config, {
      architecture: "wasm",
      os: "wasip2",
      layerDigests: [sha256(bytes)],
      component,
    });
  } finally {
    await server.shutdown();
  }
});
