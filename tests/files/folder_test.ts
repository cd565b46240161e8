import assert from "node:assert/strict";
import { FileError } from "../../src/files/file_error.ts";
import { Folder } from "../../src/files/folder.ts";
import { type FileBackend, OpenFlags } from "../../src/files/file_backend.ts";
import { backends } from "./backends.ts";
import { openBelow, TemporaryFolder } from "../testing/temporary_folder.ts";

const bytes = (content: string) => new TextEncoder().encode(content);

/** Defines a test per backend on a folder `inside`, and checks that no descriptor stays open. */
function contract(
  sentence: string,
  body: (
    setting: { folder: TemporaryFolder; inside: Folder; backend: FileBackend; name: string },
  ) => void,
): void {
  for (const { name, make } of backends) {
    Deno.test(`folder (${name}): ${sentence}`, () => {
      using folder = new TemporaryFolder();
      const backend = make();
      const inside = new Folder(backend, backend.openRoot(folder.inside));
      body({ folder, inside, backend, name });
      inside.close();
      if (Deno.build.os === "linux") assert.deepEqual(openBelow(folder.path), []);
    });
  }
}

const fails = (code: string, call: () => unknown, path = "") =>
  assert.throws(
    call,
    (error: unknown) => {
      assert.ok(error instanceof FileError, String(error));
      assert.equal(error.code, code, path);
      return true;
    },
    path,
  );

contract("reads, writes, seeks and appends", ({ folder, inside, backend }) => {
  const { handle } = inside.open("file", OpenFlags.read | OpenFlags.write | OpenFlags.create);
  assert.equal(backend.write(handle, bytes("hello world")), 11);
  assert.equal(backend.seek(handle, 6n, "start"), 6n);
  const into = new Uint8Array(3);
  assert.equal(backend.read(handle, into), 3);
  assert.equal(new TextDecoder().decode(into), "wor");
  assert.equal(backend.seek(handle, -1n, "current"), 8n);
  assert.equal(backend.seek(handle, -2n, "end"), 9n);
  fails("EINVAL", () => backend.seek(handle, -1n, "start"));
  assert.equal(backend.readAt(handle, into, 1n), 3);
  assert.equal(new TextDecoder().decode(into), "ell");
  backend.setAppend(handle, true);
  backend.seek(handle, 0n, "start");
  backend.write(handle, bytes("!"));
  backend.writeAt(handle, bytes("J"), 0n);
  backend.setAppend(handle, false);
  backend.seek(handle, 1n, "start");
  backend.write(handle, bytes("E"));
  assert.equal(folder.read("inside/file"), "JEllo world!");
  backend.resize(handle, 3n);
  backend.allocate(handle, 0n, 5n);
  assert.equal(folder.read("inside/file"), "JEl\0\0");
  backend.sync(handle, true);
  backend.sync(handle, false);
  assert.equal(backend.status(handle).size, 5n);
  backend.close(handle);
});

contract(
  "sizes and places beyond what a file may have are errors of the file",
  ({ inside, backend }) => {
    const { handle } = inside.open("file", OpenFlags.read | OpenFlags.write | OpenFlags.create);
    const huge = 0x7fffffffffffffffn;
    fails("EFBIG", () => backend.resize(handle, huge));
    assert.throws(() => backend.writeAt(handle, bytes("x"), huge), FileError);
    assert.throws(() => backend.allocate(handle, huge - 1n, 1n), FileError);
    assert.equal(backend.status(handle).size, 0n);
    // Some systems reach the end of the file, others refuse the offset.
    try {
      assert.equal(backend.readAt(handle, new Uint8Array(1), huge - 1n), 0);
    } catch (error) {
      assert.ok(error instanceof FileError, String(error));
    }
    backend.close(handle);
  },
);

contract("creates, moves and removes names, each for its kind", ({ folder, inside }) => {
  folder.write("inside/a", "a");
  folder.write("inside/full/x", "x");
  inside.makeFolder("sub");
  inside.makeFolder("sub/below/");
  fails("EEXIST", () => inside.makeFolder("sub"));
  fails("ENOTEMPTY", () => inside.removeFolder("full"));
  fails("ENOTDIR", () => inside.removeFolder("a"));
  fails("EISDIR", () => inside.unlink("sub"));
  fails("ENOTDIR", () => inside.unlink("a/"));
  inside.rename("a", inside, "sub/b");
  inside.rename("sub/below", inside, "moved/");
  assert.equal(folder.read("inside/sub/b"), "a");
  inside.link("sub/b", inside, "second");
  assert.equal(inside.status("second", true).links, 2n);
  fails("EEXIST", () => inside.link("sub/b", inside, "second"));
  inside.symlink("sub/👋", "link");
  fails("EOUTSIDE", () => inside.symlink("/x", "link2"));
  fails("ENOTDIR", () => inside.symlink("x", "second/"));
  const text = new Uint8Array(100);
  assert.equal(inside.readLink("link", text), 8);
  assert.equal(inside.readLink("link", text.subarray(0, 3)), 3);
  fails("EINVAL", () => inside.readLink("second", text));
  fails("ENOENT", () => inside.readLink("no", text));
  assert.equal(inside.status("link", false).kind, "link");
  fails("ENOENT", () => inside.status("link", true));
  inside.unlink("link");
  inside.unlink("second");
  inside.removeFolder("moved/");
  for (const path of ["..", "../outside", "sub/../../outside", folder.at("outside")]) {
    fails("EOUTSIDE", () => inside.status(path, true), path);
    fails("EOUTSIDE", () => inside.makeFolder(`${path}/x`), path);
    fails("EOUTSIDE", () => inside.rename("sub", inside, `${path}/x`), path);
    fails("EOUTSIDE", () => inside.link("sub/b", inside, `${path}/x`), path);
  }
  assert.deepEqual([...Deno.readDirSync(folder.at("outside"))], []);
});

contract("sets times of a file and of a link itself", ({ folder, inside, name }) => {
  folder.write("inside/file", "");
  folder.link("file", "inside/link");
  // `node:fs` has milliseconds, the C library nanoseconds.
  const [access, modify] = name.startsWith("openat")
    ? [1_000_000_001n, 2_000_000_002n]
    : [10n ** 9n, 2n * 10n ** 9n];
  inside.setTimes("link", { access, modify }, false);
  assert.deepEqual([inside.status("link", false).accessNs, inside.status("link", false).modifyNs], [
    access,
    modify,
  ]);
  assert.notEqual(inside.status("file", true).modifyNs, modify);
  inside.setTimes("link", { modify }, true);
  assert.equal(inside.status("file", true).modifyNs, modify);
  const before = BigInt(Date.now() - 60_000) * 1_000_000n;
  inside.setTimes("file", { access: "now", modify: "now" }, true);
  assert.ok(inside.status("file", true).modifyNs > before);
});

contract("continues a listing after the cookie of any entry", ({ folder, inside, backend }) => {
  const names = Array.from({ length: 30 }, (_, index) => `é ${index}`);
  for (const name of names) folder.write(`inside/${name}`, "");
  folder.link("x", "inside/link");
  const { handle } = inside.open(".", OpenFlags.read | OpenFlags.directory);
  const list = (cookie: bigint, most = Infinity) => {
    const found: { name: string; kind: string; next: bigint; inode: bigint }[] = [];
    backend.entries(handle, cookie, ({ name, kind, next, inode }) => {
      found.push({ name: new TextDecoder().decode(name), kind, next, inode });
      return found.length < most;
    });
    return found;
  };
  const all = list(0n);
  assert.deepEqual(all.map(({ name }) => name).sort(), [".", "..", "link", ...names].sort());
  assert.equal(all.find(({ name }) => name === "link")?.kind, "link");
  assert.equal(all.find(({ name }) => name === "é 7")?.inode, inside.status("é 7", true).inode);
  const first = list(0n, 5);
  assert.deepEqual([...first, ...list(first.at(-1)?.next ?? 0n)], all);
  assert.deepEqual(list(all.at(-1)?.next ?? 0n), []);
  backend.close(handle);
});
