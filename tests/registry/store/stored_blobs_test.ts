import assert from "node:assert/strict";
import { sha256, wasm } from "../test_registry.ts";
import { putBlob, withStore } from "./test_store.ts";

Deno.test("collectGarbage: removes an unreferenced blob after its grace period, unless found", async () => {
  await withStore({ graceMs: 10_000 }, async ({ open }) => {
    await open(async (store) => {
      await putBlob(store, wasm("unused"));
      const now = Date.now();
      assert.equal(await store.blobs.collectGarbage(now + 5000), 0);
      store.catalog.touch(sha256(wasm("unused")));
      assert.equal(await store.blobs.collectGarbage(now + 9999), 0);
      assert.equal(await store.blobs.collectGarbage(now + 20_000), 1);
      assert.equal(store.catalog.repository("k33g/hola"), undefined);
    });
    await open((store) => Promise.resolve(assert.deepEqual(Array.from(store.blobs.list()), [])));
  });
});

Deno.test("collectGarbage: removes many blobs in batches, between which others run", async () => {
  await withStore({ graceMs: 1 }, async ({ open }) => {
    const count = 350;
    await open(async (store) => {
      await Promise.all(
        Array.from({ length: count }, (_, index) => putBlob(store, wasm(`${index}`))),
      );
      const seen = new Set<number>();
      let done = false;
      const collected = store.blobs.collectGarbage(Date.now() + 1000).finally(() => done = true);
      while (!done) {
        seen.add(store.catalog.blobs().length);
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.equal(await collected, count);
      assert(seen.size >= 3, String([...seen]));
    });
    await open((store) => Promise.resolve(assert.deepEqual(store.catalog.blobs(), [])));
  });
});

Deno.test("collectGarbage: keeps a blob that a manifest in progress references", async () => {
  await withStore({ graceMs: 1 }, async ({ open }) => {
    await open(async (store) => {
      await putBlob(store, wasm("late"));
      const layer = { mediaType: "application/x", digest: sha256(wasm("late")), size: 10 };
      const manifest = new TextEncoder().encode(
        JSON.stringify({ schemaVersion: 2, layers: [layer] }),
      );
      const put = store.putManifest("k33g/hola", manifest, { contentType: null, tags: ["t"] });
      let done = false;
      put.finally(() => done = true);
      while (!done) {
        await store.blobs.collectGarbage(Date.now() + 1000);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await put;
      assert.deepEqual(await Deno.readFile(store.blobs.path(layer.digest)), wasm("late"));
      assert(store.catalog.blob(layer.digest));
    });
  });
});

Deno.test("collectGarbage: keeps what signatures and SBOMs reference", async () => {
  await withStore({ graceMs: 1 }, async ({ open }) => {
    await open(async (store) => {
      await putBlob(store, wasm("signature"));
      const layer = { mediaType: "application/x", digest: sha256(wasm("signature")), size: 10 };
      const subject = { mediaType: "application/y", digest: sha256("gone"), size: 1 };
      const manifest = new TextEncoder().encode(
        JSON.stringify({ schemaVersion: 2, layers: [layer], subject }),
      );
      await store.putManifest("k33g/hola", manifest, {
        digest: sha256(manifest),
        contentType: null,
        tags: [],
      });
      assert.equal(await store.blobs.collectGarbage(Date.now() + 1000), 0);
      assert(store.catalog.blob(sha256(wasm("signature"))));
    });
  });
});
