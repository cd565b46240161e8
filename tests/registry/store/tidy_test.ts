import assert from "node:assert/strict";
import { pathsBelow, sha256, wasm } from "../test_registry.ts";
import { key, put, withStore } from "./test_store.ts";

Deno.test("tidy: removes the leftovers of a killed process, and keeps what was committed", async () => {
  await withStore({}, async ({ files, open }) => {
    await open((store) => put(store, "1", wasm("one")));
    const own = `${files}/.capsule`;
    const orphan = "0".repeat(64);
    await Deno.writeTextFile(`${own}/tmp/half-a-blob`, "half");
    await Deno.mkdir(`${own}/blobs/sha256/00`, { recursive: true });
    await Deno.writeTextFile(`${own}/blobs/sha256/00/${orphan}`, "linked and not recorded");
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
    // A manifest contains the time, so two of them may have the same digest.
    assert(!(await pathsBelow(`${own}/blobs/sha256/00`)).includes(orphan));
    await open((store) =>
      Promise.resolve(assert.deepEqual(store.catalog.modules().map(({ tag }) => tag), ["1", "2"]))
    );
  });
});

Deno.test("tidy: repairs a module folder that differs from the journal", async () => {
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

Deno.test("tidy: adopts the folder of an older version, and names what is not a module", async () => {
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
    assert.match(stderr(), /not shown: .*k33g\/bad\/1\/bad\.wasm is not a WebAssembly module/);
    assert.deepEqual(await Deno.readFile(`${files}/k33g/bad/1/bad.wasm`), wasm("x").slice(0, -1));
  });
});

Deno.test("tidy: does not follow a symbolic link in a module folder", async () => {
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
