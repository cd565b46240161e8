import assert from "node:assert/strict";
import { Fdflags, FileType, Oflags } from "../../src/wasi/preview1.ts";
import { Guest } from "./guest.ts";

const { create } = Oflags;

/** Lists a directory with a buffer of `length` bytes, as wasi-libc does. */
function list(guest: Guest, fd: number, length: number) {
  const found: { name: string; type: number; inode: bigint; next: bigint }[] = [];
  for (let cookie = 0n;;) {
    assert.equal(guest.call("fd_readdir", fd, 0x9000, length, cookie, guest.result), "SUCCESS");
    const used = guest.u32();
    assert.ok(used <= length);
    let at = 0x9000;
    while (at + 24 <= 0x9000 + used) {
      const nameLength = guest.u32(at + 16);
      if (at + 24 + nameLength > 0x9000 + used) break;
      cookie = guest.u64(at);
      found.push({
        name: guest.text(at + 24, nameLength),
        type: guest.view.getUint8(at + 20),
        inode: guest.u64(at + 8),
        next: cookie,
      });
      at += 24 + nameLength;
    }
    if (used < length) return found;
    assert.ok(at > 0x9000, "a buffer too small for one entry");
  }
}

Deno.test("fd_readdir: lists types and inodes of all entries, with any buffer, from any cookie", () => {
  using guest = new Guest();
  const names = Array.from({ length: 60 }, (_, index) => `file ${index} ${"é".repeat(index % 9)}`);
  for (const name of names) guest.folder.write(`inside/${name}`, "");
  guest.folder.link("x", "inside/link");
  Deno.mkdirSync(guest.folder.at("inside/sub"));
  const all = list(guest, 3, 20_000);
  assert.deepEqual(all.map(({ name }) => name).sort(), [".", "..", "link", "sub", ...names].sort());
  const typeOf = (name: string) => all.find((entry) => entry.name === name)?.type;
  assert.deepEqual(
    [".", "..", "link", "sub", "file 0 "].map(typeOf),
    [
      FileType.directory,
      FileType.directory,
      FileType.symbolicLink,
      FileType.directory,
      FileType.regularFile,
    ],
  );
  const sub = all.find(({ name }) => name === "sub");
  assert.equal(sub?.inode, guest.status("sub").inode);
  // Nothing above the preopened directory is revealed.
  assert.equal(
    all.find(({ name }) => name === "..")?.inode,
    all.find(({ name }) => name === ".")?.inode,
  );
  for (const length of [80, 200, 4_096]) {
    assert.deepEqual(list(guest, 3, length), all, `${length} bytes`);
  }
  for (const index of [0, 7, all.length - 1]) {
    const cookie = all[index]?.next ?? 0n;
    assert.equal(guest.call("fd_readdir", 3, 0x9000, 20_000, cookie, guest.result), "SUCCESS");
    const next = all[index + 1];
    if (next) assert.equal(guest.text(0x9018, guest.u32(0x9010)), next.name);
    else assert.equal(guest.u32(), 0);
  }
  assert.equal(guest.call("fd_readdir", 3, 0x9000, 10, 0n, guest.result), "SUCCESS");
  assert.equal(guest.u32(), 10);
  assert.equal(guest.call("fd_readdir", 3, 0x9000, 0, 0n, guest.result), "SUCCESS");
  assert.equal(guest.u32(), 0);
  assert.equal(
    guest.call("fd_readdir", guest.open("link", { open: create }), 0, 0, 0n, 64),
    "ENOTDIR",
  );
});

Deno.test("fd_read, fd_write: continue at the position, which fd_pread and fd_pwrite do not move", () => {
  using guest = new Guest();
  const fd = guest.open("file", { open: create });
  guest.write(fd, "hello world");
  assert.equal(guest.u32(), 11);
  assert.equal(guest.read(fd), "");
  assert.equal(guest.call("fd_seek", fd, 6n, 0, guest.result), "SUCCESS");
  assert.equal(guest.read(fd, 3), "wor");
  const iovs = guest.iovs({ at: 0x9000, length: 2 }, { at: 0x9800, length: 0 }, {
    at: 0x9100,
    length: 3,
  });
  assert.equal(guest.call("fd_pread", fd, iovs.at, 3, 1n, guest.result), "SUCCESS");
  assert.equal(guest.text(0x9000, 2) + guest.text(0x9100, 3), "ello ");
  const w = guest.iovs(guest.put("J"), guest.put("E"));
  assert.equal(guest.call("fd_pwrite", fd, w.at, 2, 0n, guest.result), "SUCCESS");
  assert.equal(guest.read(fd), "ld");
  assert.equal(guest.folder.read("inside/file"), "JEllo world");
  assert.equal(guest.call("fd_pread", fd, iovs.at, 3, 100n, guest.result), "SUCCESS");
  assert.equal(guest.u32(), 0);
  assert.equal(guest.call("fd_pread", fd, iovs.at, 3, -1n, guest.result), "EINVAL");
  assert.equal(guest.call("fd_pwrite", fd, w.at, 2, -1n, guest.result), "EINVAL");
});

Deno.test("fdflags: append holds for fd_write only, whatever fd_pwrite and fd_seek do between", () => {
  using guest = new Guest();
  guest.folder.write("inside/log", "0123");
  const fd = guest.open("log", { flags: Fdflags.append });
  guest.write(fd, "4");
  const iovs = guest.iovs(guest.put("ab"));
  assert.equal(guest.call("fd_pwrite", fd, iovs.at, 1, 0n, guest.result), "SUCCESS");
  guest.call("fd_seek", fd, 1n, 0, guest.result);
  guest.write(fd, "5");
  assert.equal(guest.folder.read("inside/log"), "ab2345");
  assert.equal(guest.call("fd_fdstat_set_flags", fd, 0), "SUCCESS");
  guest.call("fd_seek", fd, 2n, 0, guest.result);
  guest.write(fd, "c");
  assert.equal(guest.call("fd_fdstat_set_flags", fd, Fdflags.append), "SUCCESS");
  guest.write(fd, "6");
  assert.equal(guest.folder.read("inside/log"), "abc3456");
  assert.equal(guest.call("fd_fdstat_get", fd, guest.result), "SUCCESS");
  assert.equal(guest.view.getUint16(guest.result + 2, true), Fdflags.append);
  assert.equal(guest.call("fd_fdstat_set_flags", fd, Fdflags.sync), "ENOTSUP");
  assert.equal(guest.call("fd_fdstat_set_flags", fd, 32), "EINVAL");
});

Deno.test("fd_seek: moves from start, position and end, never before the start", () => {
  using guest = new Guest();
  guest.folder.write("inside/file", "0123456789");
  const fd = guest.open("file");
  const seek = (offset: bigint, whence: number) => {
    const answer = guest.call("fd_seek", fd, offset, whence, guest.result);
    return answer === "SUCCESS" ? guest.u64() : answer;
  };
  assert.deepEqual([seek(3n, 0), seek(4n, 1), seek(-2n, 1), seek(-1n, 2)], [3n, 7n, 5n, 9n]);
  assert.equal(guest.call("fd_tell", fd, guest.result), "SUCCESS");
  assert.equal(guest.u64(), 9n);
  assert.deepEqual([seek(-1n, 0), seek(-11n, 2), seek(0n, 3)], ["EINVAL", "EINVAL", "EINVAL"]);
  assert.equal(seek(5_000_000_000n, 0), 5_000_000_000n);
  assert.equal(guest.read(fd), "");
  const folder = guest.openFolder(".");
  assert.equal(guest.call("fd_seek", folder, 0n, 0, guest.result), "EBADF");
  assert.equal(guest.call("fd_tell", folder, guest.result), "EBADF");
  assert.equal(guest.call("fd_seek", 1, 0n, 0, guest.result), "ESPIPE");
  assert.equal(guest.call("fd_seek", 99, 0n, 0, guest.result), "EBADF");
});

Deno.test("fd_renumber: moves files, preopens and standard streams; both numbers must be open", () => {
  using guest = new Guest();
  guest.folder.write("inside/a", "a");
  guest.folder.write("inside/b", "b");
  const [a, b] = [guest.open("a"), guest.open("b")];
  assert.equal(guest.call("fd_renumber", a, b), "SUCCESS");
  assert.equal(guest.read(b), "a");
  assert.equal(guest.call("fd_close", a), "EBADF");
  assert.equal(guest.call("fd_renumber", b, b), "SUCCESS");
  assert.equal(guest.call("fd_renumber", b, 77), "EBADF");
  assert.equal(guest.call("fd_renumber", 77, b), "EBADF");
  guest.folder.write("inside/out", "");
  const out = guest.open("out");
  assert.equal(guest.call("fd_renumber", out, 1), "SUCCESS");
  guest.write(1, "to the file");
  assert.equal(guest.folder.read("inside/out"), "to the file");
  assert.equal(guest.call("fd_renumber", 3, b), "SUCCESS");
  assert.equal(guest.tryOpen("a"), "EBADF");
  assert.equal(guest.call("fd_prestat_get", b, guest.result), "SUCCESS");
  assert.equal(guest.tryOpen("a", { fd: b }), "SUCCESS");
  guest.wasi.reset();
  guest.write(1, "again");
  assert.equal(guest.written.stdout, "again");
  assert.equal(guest.tryOpen("a"), "SUCCESS");
  assert.equal(guest.u32(), 4, "reset closes opened files");
});

Deno.test("fd_prestat_get: only preopened directories have a name", () => {
  using guest = new Guest({ preopens: [] });
  assert.equal(guest.call("fd_prestat_get", 3, guest.result), "EBADF");
  using granted = new Guest();
  assert.equal(granted.call("fd_prestat_get", 3, granted.result), "SUCCESS");
  assert.deepEqual([granted.u32(), granted.u32(granted.result + 4)], [0, 5]);
  assert.equal(granted.call("fd_prestat_dir_name", 3, 0x9000, 5), "SUCCESS");
  assert.equal(granted.text(0x9000, 5), "/data");
  assert.equal(granted.call("fd_prestat_dir_name", 3, 0x9000, 4), "ENAMETOOLONG");
  assert.equal(granted.call("fd_prestat_get", 4, granted.result), "EBADF");
  assert.equal(granted.call("fd_prestat_get", 0, granted.result), "EBADF");
  const folder = granted.openFolder(".");
  assert.equal(granted.call("fd_prestat_get", folder, granted.result), "EBADF");
});

Deno.test("fd_allocate, fd_filestat_set_size: set the size, and refuse impossible ones", () => {
  using guest = new Guest();
  guest.folder.write("inside/file", "hello");
  const fd = guest.open("file");
  assert.equal(guest.call("fd_filestat_set_size", fd, 2n), "SUCCESS");
  assert.equal(guest.folder.read("inside/file"), "he");
  assert.equal(guest.call("fd_allocate", fd, 0n, 10n), "SUCCESS");
  assert.equal(guest.status("file").size, 10n);
  assert.equal(guest.call("fd_allocate", fd, 0n, 1n), "SUCCESS");
  assert.equal(guest.status("file").size, 10n);
  assert.equal(guest.call("fd_allocate", fd, 0n, 0n), "EINVAL");
  assert.equal(guest.call("fd_allocate", fd, -1n, 10n), "EINVAL");
  assert.equal(guest.call("fd_filestat_set_size", fd, -1n), "EINVAL");
  assert.equal(guest.call("fd_filestat_set_size", fd, 0x7fffffffffffffffn), "EFBIG");
  assert.equal(guest.call("fd_filestat_get", fd, guest.result), "SUCCESS");
  assert.equal(guest.u64(guest.result + 32), 10n);
  const { dev, ino } = Deno.statSync(guest.folder.at("inside/file"));
  assert.deepEqual([guest.u64(), guest.u64(guest.result + 8)], [BigInt(dev), BigInt(ino ?? 0)]);
});

Deno.test("fd_advise: takes the six kinds of advice, for files only", () => {
  using guest = new Guest();
  const fd = guest.open("file", { open: create });
  for (let advice = 0; advice <= 5; advice++) {
    assert.equal(guest.call("fd_advise", fd, 0n, 0n, advice), "SUCCESS");
  }
  assert.equal(guest.call("fd_advise", fd, 0n, 0n, 6), "EINVAL");
  assert.equal(guest.call("fd_advise", fd, -1n, 0n, 0), "EINVAL");
  assert.equal(guest.call("fd_advise", 3, 0n, 0n, 0), "EBADF");
  assert.equal(guest.call("fd_advise", 0, 0n, 0n, 0), "ESPIPE");
});

Deno.test("fd_close: every function fails with EBADF afterwards, and the number is reused", () => {
  using guest = new Guest();
  const fd = guest.open("file", { open: create });
  assert.equal(guest.call("fd_close", fd), "SUCCESS");
  const closed: string[] = [
    guest.call("fd_close", fd),
    guest.call("fd_sync", fd),
    guest.call("fd_datasync", fd),
    guest.call("fd_tell", fd, guest.result),
    guest.call("fd_fdstat_get", fd, guest.result),
    guest.call("fd_filestat_get", fd, guest.result),
    guest.call("fd_fdstat_set_flags", fd, 0),
    guest.call("fd_fdstat_set_rights", fd, 0n, 0n),
    guest.call("fd_filestat_set_times", fd, 0n, 0n, 0),
    guest.call("fd_readdir", fd, 0x9000, 10, 0n, guest.result),
    guest.write(fd, "x"),
    guest.call("sock_shutdown", fd, 0),
  ];
  assert.deepEqual(closed, closed.map(() => "EBADF"));
  assert.equal(guest.open("file"), fd);
});

Deno.test("fd_write: uses up to 1,024 iovecs of a list", () => {
  using guest = new Guest();
  const fd = guest.open("file", { open: create });
  const byte = guest.put("x");
  const iovs = guest.iovs(...Array.from({ length: 1_500 }, () => byte));
  assert.equal(guest.call("fd_write", fd, iovs.at, 1_500, guest.result), "SUCCESS");
  assert.equal(guest.u32(), 1_024);
  assert.equal(guest.status("file").size, 1_024n);
  assert.equal(guest.call("fd_write", fd, iovs.at, 0, guest.result), "SUCCESS");
  assert.equal(guest.u32(), 0);
});

Deno.test("directories: reading and writing one fails with EISDIR", () => {
  using guest = new Guest();
  const iovs = guest.iovs({ at: 0x9000, length: 4 });
  for (const fd of [3, guest.openFolder(".")]) {
    for (const name of ["fd_read", "fd_write"] as const) {
      assert.equal(guest.call(name, fd, iovs.at, 1, guest.result), "EISDIR", name);
    }
    assert.equal(guest.call("fd_pread", fd, iovs.at, 1, 0n, guest.result), "EISDIR");
    assert.equal(guest.call("fd_pwrite", fd, iovs.at, 1, 0n, guest.result), "EISDIR");
    assert.equal(guest.call("fd_filestat_set_size", fd, 0n), "EBADF");
    assert.equal(guest.call("fd_allocate", fd, 0n, 1n), "EBADF");
    assert.equal(guest.call("fd_sync", fd), "SUCCESS");
  }
});

Deno.test("sock functions: no descriptor is a socket", () => {
  using guest = new Guest();
  const file = guest.open("file", { open: create });
  for (
    const [fd, answer] of [[0, "ENOTSOCK"], [3, "ENOTSOCK"], [file, "ENOTSOCK"], [
      99,
      "EBADF",
    ]] as const
  ) {
    assert.equal(guest.call("sock_accept", fd, 0, 0), answer);
    assert.equal(guest.call("sock_recv", fd, 0, 0, 0, 0, 0), answer);
    assert.equal(guest.call("sock_send", fd, 0, 0, 0, 0), answer);
    assert.equal(guest.call("sock_shutdown", fd, 1), answer);
  }
});
