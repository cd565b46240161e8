import assert from "node:assert/strict";
import { unpackAddon } from "../../src/store/native_addon.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const code = new TextEncoder().encode("native code");
const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", code)).toHex();
const name = `couchbase-${sha256}.node`;

/** Runs `use` with a temporary folder and an addon that counts how often it is unpacked. */
const withAddon = (
  use: (
    folder: string,
    unpacking: { sha256: string; unpack(): Promise<Uint8Array<ArrayBuffer>>; times: number },
  ) => Promise<void>,
): Promise<void> =>
  inFolder(async (folder) => {
    const unpacking = {
      sha256,
      times: 0,
      unpack() {
        unpacking.times++;
        return Promise.resolve(code.slice());
      },
    };
    await use(folder, unpacking);
  });

const read = (path: string) => Deno.readTextFileSync(path);
const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name);

Deno.test("unpackAddon: unpacks once, then uses the cache", () =>
  withAddon(async (folder, unpacking) => {
    const cacheFolder = `${folder}/deep/native`;
    for (let times = 0; times < 2; times++) {
      using addon = await unpackAddon({ ...unpacking, cacheFolder });
      assert.equal(addon.path, `${cacheFolder}/${name}`);
      assert.equal(read(addon.path), "native code");
    }
    assert.equal(unpacking.times, 1);
    assert.deepEqual(names(cacheFolder), [name]);
    assert.equal(((await Deno.stat(cacheFolder)).mode ?? 0) & 0o777, 0o700);
  }));

Deno.test("unpackAddon: replaces a cached file whose digest differs", () =>
  withAddon(async (folder, unpacking) => {
    await Deno.writeTextFile(`${folder}/${name}`, "other code!");
    using addon = await unpackAddon({ ...unpacking, cacheFolder: folder });
    assert.equal(addon.path, `${folder}/${name}`);
    assert.equal(read(addon.path), "native code");
  }));

Deno.test("unpackAddon: concurrent processes get complete files", () =>
  withAddon(async (folder, unpacking) => {
    const addons = await Promise.all(
      Array.from({ length: 20 }, () => unpackAddon({ ...unpacking, cacheFolder: folder })),
    );
    for (const { path } of addons) assert.equal(read(path), "native code");
    assert.deepEqual(names(folder), [name]);
  }));

Deno.test({
  name: "unpackAddon: does not cache in a folder that others may write to, a link or a file",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withAddon(async (folder, unpacking) => {
      await Deno.mkdir(`${folder}/shared`);
      await Deno.chmod(`${folder}/shared`, 0o770);
      await Deno.writeTextFile(`${folder}/shared/${name}`, "native code");
      await Deno.mkdir(`${folder}/own`, { mode: 0o700 });
      await Deno.symlink("own", `${folder}/link`);
      await Deno.writeTextFile(`${folder}/file`, "");
      for (
        const cacheFolder of [
          `${folder}/shared`,
          `${folder}/link`,
          `${folder}/file`,
          "/proc/none",
          undefined,
        ]
      ) {
        let path;
        {
          using addon = await unpackAddon({ ...unpacking, cacheFolder });
          path = addon.path;
          assert.ok(!path.startsWith(folder), path);
          assert.equal(read(path), "native code");
        }
        // A temporary file is removed after it was loaded.
        assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
      }
      assert.deepEqual(names(`${folder}/own`), []);
      assert.deepEqual(names(`${folder}/shared`), [name]);
      assert.equal(unpacking.times, 5);
    }),
});

Deno.test("unpackAddon: refuses code with another digest and writes nothing", () =>
  withAddon(async (folder, unpacking) => {
    await assert.rejects(
      () => unpackAddon({ ...unpacking, sha256: "0".repeat(64), cacheFolder: folder }),
      {
        code: "QUERY",
        message: `this program is damaged: its Couchbase client has the digest ${sha256}, not ${
          "0".repeat(64)
        }`,
      },
    );
    assert.deepEqual(names(folder), []);
  }));
