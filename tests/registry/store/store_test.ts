import assert from "node:assert/strict";
import { Store, type StoreOptions } from "../../../src/registry/store/store.ts";
import { memoryLog } from "../../server/memory_log.ts";
import { pathsBelow, sha256, sha512, wasm } from "../test_registry.ts";

/** A store in a folder of its own, and the means to open it again. */
async function withStore(
  options: Partial<StoreOptions>,
  work: (world: {
    files: string;
    stderr: () => string;
    /** Opens the folder for as long as `use` takes. */
    open: <T>(use: (store: Store) => Promise<T>, more?: Partial<StoreOptions>) => Promise<T>;
  }) => Promise<void>,
): Promise<void> {
  const files = await Deno.makeTempDir({ prefix: "capsule-store-" });
  const { log, stderr } = memoryLog();
  try {
    await work({
      files,
      stderr,
      async open(use, more) {
        await using store = await Store.open({ files, log, ...options, ...more });
        return await use(store);
      },
    });
  } finally {
    await Deno.remove(files, { recursive: true });
  }
}

async function put(
  store: Store,
  tag: string,
  bytes: Uint8Array,
  more: { overwrite?: boolean; info?: string } = {},
) {
  const writer = await store.blobs.begin();
  await writer.write(bytes);
  return await store.putModule({ user: "k33g", module: "hola", tag }, writer, {
    info: "",
    overwrite: false,
    ...more,
  });
}

async function putBlob(
  store: Store,
  bytes: Uint8Array,
  digest = sha256(bytes) as ReturnType<typeof sha256> | ReturnType<typeof sha512>,
) {
  const writer = await store.blobs.begin({ sha512: true });
  await writer.write(bytes);
  await store.blobs.put("k33g/hola", writer, digest);
}

const key = (store: Store, tag: string) => store.catalog.tagged("k33g/hola", tag)?.manifest.module?.digest;

// What holds of every store, on a file system with hard links and on one without.
for (const links of [true, false]) {
  const where = links ? "with hard links" : "without hard links";

  Deno.test(`${where}: what was stored is there after a new start, byte for byte`, async () => {
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

  Deno.test(`${where}: the same bytes take their room once, and go with their last name`, async () => {
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

  Deno.test(`${where}: an overwritten module is the new one, here and in its folder`, async () => {
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

Deno.test("a blob that no manifest names goes after its grace, unless somebody asks for it", async () => {
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

Deno.test("a module that was overwritten or taken away leaves nothing, unless something else names it", async () => {
  await withStore({ graceMs: 1000 }, async ({ files, open }) => {
    const name = (tag: string) => ({ user: "k33g", module: "hola", tag });
    const bytes = (store: Store) => {
      const digests = new Set(store.blobs.list());
      return ["one", "two"].filter((text) => digests.has(sha256(wasm(text))));
    };
    await open(async (store) => {
      const later = Date.now() + 2000;
      await put(store, "1", wasm("one"));
      await put(store, "1", wasm("two"), { overwrite: true });
      assert.equal(await store.blobs.collectGarbage(later), 3);
      assert.deepEqual(bytes(store), ["two"]);

      // By its digest, an index names it, and another tag.
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

Deno.test("many blobs that nobody names go a few at a time, and others have their turns", async () => {
  await withStore({ graceMs: 1 }, async ({ open }) => {
    const count = 350;
    await open(async (store) => {
      await Promise.all(Array.from({ length: count }, (_, index) => putBlob(store, wasm(`${index}`))));
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

Deno.test("a blob that a manifest on its way names is not removed under it", async () => {
  await withStore({ graceMs: 1 }, async ({ open }) => {
    await open(async (store) => {
      await putBlob(store, wasm("late"));
      const layer = { mediaType: "application/x", digest: sha256(wasm("late")), size: 10 };
      const manifest = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, layers: [layer] }));
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

Deno.test("signatures and SBOMs keep what they name", async () => {
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

Deno.test("what a killed process left half done is swept, and what it had done stays", async () => {
  await withStore({}, async ({ files, open }) => {
    await open((store) => put(store, "1", wasm("one")));
    const own = `${files}/.capsule`;
    await Deno.writeTextFile(`${own}/tmp/half-a-blob`, "half");
    await Deno.mkdir(`${own}/blobs/sha256/00`, { recursive: true });
    await Deno.writeTextFile(`${own}/blobs/sha256/00/${"0".repeat(64)}`, "linked and not recorded");
    await Deno.writeTextFile(
      `${own}/journal.jsonl`,
      '[{"op":"tag","repository":"k33g/hola","tag":"half' + "x".repeat(10_000),
      {
        append: true,
      },
    );
    await open(async (store) => {
      assert.deepEqual(store.catalog.modules().map(({ tag }) => tag), ["1"]);
      await put(store, "2", wasm("two"));
    });
    assert.deepEqual(await pathsBelow(`${own}/tmp`), []);
    assert.deepEqual(await pathsBelow(`${own}/blobs/sha256/00`), []);
    await open((store) =>
      Promise.resolve(assert.deepEqual(store.catalog.modules().map(({ tag }) => tag), ["1", "2"]))
    );
  });
});

Deno.test("a module's folder that a kill left behind the journal is put in order", async () => {
  await withStore({}, async ({ files, open }) => {
    const folder = `${files}/k33g/hola/1`;
    await open((store) => put(store, "1", wasm("one"), { info: "one" }));
    const spoil: (() => Promise<void>)[] = [
      () => Deno.remove(folder, { recursive: true }),
      () => Deno.remove(`${folder}/hola.wasm`),
      async () => {
        await Deno.remove(`${folder}/hola.wasm`);
        await Deno.writeFile(`${folder}/hola.wasm`, wasm("two"));
        await Deno.writeTextFile(`${folder}/hola.info`, "half of another upload");
      },
    ];
    for (const each of spoil) {
      await each();
      await open((store) => Promise.resolve(assert.equal(key(store, "1"), sha256(wasm("one")))));
      assert.deepEqual(await Deno.readFile(`${folder}/hola.wasm`), wasm("one"));
      assert.equal(await Deno.readTextFile(`${folder}/hola.info`), "one\n");
    }
  });
});

Deno.test("the folder of an older Capsule is taken in as it is; what is no module is named and left out", async () => {
  await withStore({}, async ({ files, open, stderr }) => {
    for (
      const [path, bytes] of [["k33g/hola/0.0.0/hola.wasm", wasm("old")], [
        "k33g/bad/1/bad.wasm",
        wasm("x").slice(0, -1),
      ]] as const
    ) {
      await Deno.mkdir(`${files}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeFile(`${files}/${path}`, bytes);
    }
    await Deno.writeTextFile(`${files}/k33g/hola/0.0.0/hola.info`, "old text\n");
    await Deno.mkdir(`${files}/K33G/Hola/1`, { recursive: true });
    await open((store) => {
      assert.deepEqual(store.catalog.modules().map(({ module, info }) => [module, info]), [[
        "hola",
        "old text",
      ]]);
      return Promise.resolve();
    });
    assert.match(stderr(), /not shown: .*k33g\/bad\/1\/bad\.wasm is no WebAssembly module/);
    assert.deepEqual(await Deno.readFile(`${files}/k33g/bad/1/bad.wasm`), wasm("x").slice(0, -1));
  });
});

Deno.test("a link that somebody put into the folder is not followed", async () => {
  await withStore({}, async ({ files, open }) => {
    const outside = await Deno.makeTempFile();
    try {
      await Deno.writeFile(outside, wasm("outside"));
      await Deno.mkdir(`${files}/k33g/hola/1`, { recursive: true });
      await Deno.symlink(outside, `${files}/k33g/hola/1/hola.wasm`);
      await open((store) => Promise.resolve(assert.deepEqual(store.catalog.modules(), [])));
    } finally {
      await Deno.remove(outside);
    }
  });
});

Deno.test("a second registry on the same folder does not start", async () => {
  await withStore({}, async ({ files, open }) => {
    await open(async () => {
      await assert.rejects(open(() => Promise.resolve()), {
        code: "STORE",
        message: `cannot open -files=${files}: another registry has it open`,
      });
    });
  });
});

Deno.test("a journal that is damaged in its middle is named, not guessed at", async () => {
  await withStore({}, async ({ files, open }) => {
    await open((store) => put(store, "1", wasm("one")));
    const path = `${files}/.capsule/journal.jsonl`;
    const whole = await Deno.readTextFile(path);
    for (const line of ["{damaged", "{}", "null", '[{"op":"of a newer Capsule"}]']) {
      await Deno.writeTextFile(path, `${line}\n${whole}`);
      await assert.rejects(open(() => Promise.resolve()), {
        code: "STORE",
        message: `cannot open -files=${files}: line 1 of ${path} is damaged, or a newer Capsule wrote it`,
      });
    }
  });
});

Deno.test("a folder that the system refuses is an error that names it", async () => {
  await withStore({}, async ({ files }) => {
    await Deno.mkdir(`${files}/a/.capsule/blobs`, { recursive: true });
    for (const file of ["a/.capsule/blobs/sha256", "b"]) await Deno.writeTextFile(`${files}/${file}`, "");
    for (const folder of [`${files}/a`, `${files}/b`]) {
      await assert.rejects(Store.open({ files: folder, log: memoryLog().log }), (error: Error) => {
        assert(error.message.startsWith(`cannot open -files=${folder}: Not a directory`), error.message);
        return true;
      });
    }
  });
});

Deno.test("a journal that is mostly history is written anew at the next start", async () => {
  await withStore({}, async ({ files, open }) => {
    const path = `${files}/.capsule/journal.jsonl`;
    await open((store) => put(store, "kept", wasm("kept")));
    const line = JSON.stringify([
      { op: "tag", repository: "gone", tag: "x", digest: sha256("x"), at: 1 },
      { op: "untag", repository: "gone", tag: "x" },
    ]);
    await Deno.writeTextFile(path, `${line}\n`.repeat(1500), { append: true });
    // Where it cannot be, the old one does.
    await Deno.mkdir(`${path}.new`);
    await open((store) =>
      Promise.resolve(assert.deepEqual(store.catalog.modules().map(({ tag }) => tag), ["kept"]))
    );
    assert((await Deno.readTextFile(path)).split("\n").length > 1500);
    await open((store) => put(store, "new", wasm("new")));
    assert((await Deno.readTextFile(path)).split("\n").length < 20);
    await open((store) =>
      Promise.resolve(assert.deepEqual(store.catalog.modules().map(({ tag }) => tag), ["kept", "new"]))
    );
  });
});
