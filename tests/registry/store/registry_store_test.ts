import assert from "node:assert/strict";
import { RegistryStore } from "../../../src/registry/store/registry_store.ts";
import { memoryLog } from "../../server/memory_log.ts";
import { pathsBelow, sha256, sha512, wasm } from "../test_registry.ts";
import { key, put, putBlob, withStore } from "./test_store.ts";

// The same tests with hard links and without.
for (const links of [true, false]) {
  const store = `RegistryStore ${links ? "with" : "without"} hard links`;

  Deno.test(`${store}: has the same bytes after a new start`, async () => {
    await withStore({ links }, async ({ files, open }) => {
      await open((store) => put(store, "1", wasm("one"), { info: "a\nb 👋" }));
      await open((store) => putBlob(store, wasm("blob"), sha512(wasm("blob"))));
      await open(async (store) => {
        assert.equal(key(store, "1"), sha256(wasm("one")));
        assert.equal(store.catalog.tagged("k33g/hola", "1")?.manifest.module?.info, "a\nb 👋");
        assert.deepEqual(await Deno.readFile(store.blobs.path(sha256(wasm("one")))), wasm("one"));
        assert.deepEqual(await Deno.readFile(store.blobs.path(sha512(wasm("blob")))), wasm("blob"));
      });
      assert.deepEqual(await pathsBelow(files), ["k33g/hola/1/hola.info", "k33g/hola/1/hola.wasm"]);
      assert.deepEqual(await pathsBelow(`${files}/.capsule/tmp`), []);
    });
  });

  Deno.test(`${store}: stores the same bytes once, until the last name is removed`, async () => {
    await withStore({ links, graceMs: 1000 }, async ({ open }) => {
      await open(async (store) => {
        await put(store, "1", wasm("same"));
        await put(store, "2", wasm("same"));
        assert.equal(
          Array.from(store.blobs.list()).filter((digest) => digest === sha256(wasm("same"))).length,
          1,
        );
        const later = Date.now() + 2000;
        assert.equal(await store.blobs.collectGarbage(later), 0);
        for (const tag of ["1", "2"]) {
          const digest = store.catalog.tagged("k33g/hola", tag)?.manifest.digest;
          assert(digest && await store.deleteManifest("k33g/hola", digest));
          assert.equal(store.catalog.blob(sha256(wasm("same"))) !== undefined, true);
          await store.blobs.collectGarbage(later);
        }
        assert.deepEqual(Array.from(store.blobs.list()), []);
        assert.deepEqual(store.catalog.repositories(), []);
      });
      await open((store) => Promise.resolve(assert.deepEqual(store.catalog.repositories(), [])));
    });
  });

  Deno.test(`${store}: replaces an overwritten module in its folder too`, async () => {
    await withStore({ links }, async ({ files, open }) => {
      await open(async (store) => {
        assert.equal((await put(store, "1", wasm("one"), { info: "one" })).outcome, "created");
        assert.equal((await put(store, "1", wasm("one"), { info: "other" })).outcome, "same");
        await assert.rejects(put(store, "1", wasm("two")), { code: "TAG_EXISTS", status: 409 });
        const replaced = await put(store, "1", wasm("two"), { info: "two", overwrite: true });
        assert.equal(replaced.outcome, "replaced");
      });
      assert.deepEqual(await Deno.readFile(`${files}/k33g/hola/1/hola.wasm`), wasm("two"));
      assert.equal(await Deno.readTextFile(`${files}/k33g/hola/1/hola.info`), "two\n");
      await open((store) => Promise.resolve(assert.equal(key(store, "1"), sha256(wasm("two")))));
    });
  });
}

Deno.test("RegistryStore: a removed module leaves nothing that is not referenced elsewhere", async () => {
  await withStore({ graceMs: 1000 }, async ({ files, open }) => {
    const name = (tag: string) => ({ user: "k33g", module: "hola", tag });
    const bytes = (store: RegistryStore) => {
      const digests = new Set(store.blobs.list());
      return ["one", "two"].filter((text) => digests.has(sha256(wasm(text))));
    };
    await open(async (store) => {
      const later = Date.now() + 2000;
      await put(store, "1", wasm("one"));
      await put(store, "1", wasm("two"), { overwrite: true });
      assert.equal(await store.blobs.collectGarbage(later), 3);
      assert.deepEqual(bytes(store), ["two"]);

      // An index and another tag reference it by its digest.
      const digest = store.catalog.tagged("k33g/hola", "1")?.manifest.digest;
      assert(digest);
      const manifest = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 1 };
      const text = JSON.stringify({ schemaVersion: 2, manifests: [manifest] });
      const contentType = "application/vnd.oci.image.index.v1+json";
      const index = new TextEncoder().encode(text);
      const record = await store.putManifest("k33g/hola", index, { contentType, tags: ["index"] });
      assert(await store.deleteModule(name("1")));
      assert.deepEqual([await store.blobs.collectGarbage(later), bytes(store)], [0, ["two"]]);
      await store.putManifest("k33g/hola", await store.blobs.read(digest), {
        contentType: null,
        tags: ["a", "b"],
      });
      await store.deleteManifest("k33g/hola", record.digest);
      assert(await store.deleteModule(name("a")));
      await store.blobs.collectGarbage(later);
      assert.deepEqual([key(store, "b"), bytes(store)], [sha256(wasm("two")), ["two"]]);
      assert(await store.deleteModule(name("b")));
      await store.blobs.collectGarbage(later);
      assert.deepEqual(Array.from(store.blobs.list()), []);
      assert.equal(await store.deleteModule(name("b")), false);
    });
    assert.deepEqual(await pathsBelow(files), []);
    await open((store) => Promise.resolve(assert.deepEqual(store.catalog.repositories(), [])));
  });
});

Deno.test("RegistryStore: refuses a folder that another process has open", async () => {
  await withStore({}, async ({ files, open }) => {
    await open(async () => {
      await assert.rejects(open(() => Promise.resolve()), {
        code: "STORE",
        message: `cannot open -files=${files}: another registry has it open`,
      });
    });
  });
});

Deno.test("RegistryStore: names the damaged line of a journal", async () => {
  await withStore({}, async ({ files, open }) => {
    await open((store) => put(store, "1", wasm("one")));
    const path = `${files}/.capsule/journal.jsonl`;
    const whole = await Deno.readTextFile(path);
    for (const line of ["{damaged", "{}", "null", '[{"op":"of a newer Capsule"}]']) {
      await Deno.writeTextFile(path, `${line}\n${whole}`);
      await assert.rejects(open(() => Promise.resolve()), {
        code: "STORE",
        message:
          `cannot open -files=${files}: line 1 of ${path} is damaged, or a newer Capsule wrote it`,
      });
    }
  });
});

Deno.test("RegistryStore: names a folder that the system refuses", async () => {
  await withStore({}, async ({ files }) => {
    await Deno.mkdir(`${files}/a/.capsule/blobs`, { recursive: true });
    for (const file of ["a/.capsule/blobs/sha256", "b"]) {
      await Deno.writeTextFile(`${files}/${file}`, "");
    }
    for (const folder of [`${files}/a`, `${files}/b`]) {
      await assert.rejects(
        RegistryStore.open({ files: folder, log: memoryLog().log }),
        (error: Error) => {
          assert(
            error.message.startsWith(`cannot open -files=${folder}: Not a directory`),
            error.message,
          );
          return true;
        },
      );
    }
  });
});

Deno.test("RegistryStore: compacts a journal that is mostly obsolete at the next start", async () => {
  await withStore({}, async ({ files, open }) => {
    const path = `${files}/.capsule/journal.jsonl`;
    await open((store) => put(store, "kept", wasm("kept")));
    const line = JSON.stringify([
      { op: "tag", repository: "gone", tag: "x", digest: sha256("x"), at: 1 },
      { op: "untag", repository: "gone", tag: "x" },
    ]);
    await Deno.writeTextFile(path, `${line}\n`.repeat(1500), { append: true });
    // A folder in the place of the temporary file makes the compaction fail.
    await Deno.mkdir(`${path}.new`);
    await open((store) =>
      Promise.resolve(assert.deepEqual(store.catalog.modules().map(({ tag }) => tag), ["kept"]))
    );
    assert((await Deno.readTextFile(path)).split("\n").length > 1500);
    await Deno.remove(`${path}.new`);
    await open((store) => put(store, "new", wasm("new")));
    assert((await Deno.readTextFile(path)).split("\n").length < 20);
    await open((store) =>
      Promise.resolve(
        assert.deepEqual(store.catalog.modules().map(({ tag }) => tag), ["kept", "new"]),
      )
    );
  });
});
