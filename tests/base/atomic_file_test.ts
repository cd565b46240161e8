import assert from "node:assert/strict";
import { AtomicFile, writeAll, writeFileAtomically } from "../../src/base/atomic_file.ts";
import { TemporaryFolder } from "../testing/temporary_folder.ts";

function names(folder: TemporaryFolder): string[] {
  return Array.from(Deno.readDirSync(folder.inside), ({ name }) => name).sort();
}

Deno.test("writeFileAtomically: replaces the content and leaves no other file", async () => {
  using folder = new TemporaryFolder();
  folder.write("inside/naïve.json", "old");
  await writeFileAtomically(`${folder.inside}/naïve.json`, "new €");
  assert.equal(folder.read("inside/naïve.json"), "new €");
  await writeFileAtomically(`${folder.inside}/empty`, new Uint8Array(0));
  assert.equal(folder.read("inside/empty"), "");
  assert.deepEqual(names(folder), ["empty", "naïve.json"]);
});

Deno.test({
  name: "writeFileAtomically: sets the mode of the file",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    using folder = new TemporaryFolder();
    await writeFileAtomically(`${folder.inside}/token`, "secret", { mode: 0o600 });
    assert.equal((Deno.statSync(`${folder.inside}/token`).mode ?? 0) & 0o777, 0o600);
  },
});

Deno.test("writeFileAtomically: createNew keeps what is there", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.inside}/token`;
  await writeFileAtomically(path, "first", { createNew: true });
  await assert.rejects(
    writeFileAtomically(path, "second", { createNew: true }),
    Deno.errors.AlreadyExists,
  );
  assert.equal(folder.read("inside/token"), "first");
  assert.deepEqual(names(folder), ["token"]);
});

Deno.test("writeFileAtomically: one of many writers of a new file succeeds", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.inside}/token`;
  const results = await Promise.allSettled(
    Array.from(
      { length: 8 },
      (_, writer) => writeFileAtomically(path, `${writer}`, { createNew: true }),
    ),
  );
  const winner = results.findIndex(({ status }) => status === "fulfilled");
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  assert.equal(folder.read("inside/token"), `${winner}`);
});

Deno.test("writeFileAtomically: a failure removes the temporary file", async () => {
  using folder = new TemporaryFolder();
  Deno.mkdirSync(`${folder.inside}/taken`);
  await assert.rejects(writeFileAtomically(`${folder.inside}/taken`, "text"));
  await assert.rejects(
    writeFileAtomically(`${folder.inside}/missing/file`, "text"),
    Deno.errors.NotFound,
  );
  assert.deepEqual(names(folder), ["taken"]);
});

Deno.test("writeFileAtomically: a fixed temporary path is overwritten", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.inside}/state`;
  folder.write("inside/state.new", "left by a crash, and longer than the new content");
  await writeFileAtomically(path, "state", { temporaryPath: `${path}.new` });
  assert.equal(folder.read("inside/state"), "state");
  assert.deepEqual(names(folder), ["state"]);
});

Deno.test("AtomicFile: without a commit the path is untouched and nothing is left", async () => {
  using folder = new TemporaryFolder();
  folder.write("inside/module", "old");
  {
    await using file = await AtomicFile.create(`${folder.inside}/module`);
    await file.write(new TextEncoder().encode("half"));
    assert.equal(names(folder).length, 2);
  }
  assert.equal(folder.read("inside/module"), "old");
  assert.deepEqual(names(folder), ["module"]);
});

Deno.test("writeAll: continues after a partial write", async () => {
  const taken: number[] = [];
  const target = {
    write(bytes: Uint8Array): Promise<number> {
      const count = Math.min(bytes.length, 3);
      taken.push(...bytes.subarray(0, count));
      return Promise.resolve(count);
    },
  };
  await writeAll(target, Uint8Array.of(1, 2, 3, 4, 5, 6, 7));
  assert.deepEqual(taken, [1, 2, 3, 4, 5, 6, 7]);
});
