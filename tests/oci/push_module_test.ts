import assert from "node:assert/strict";
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
