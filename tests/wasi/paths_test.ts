import assert from "node:assert/strict";
import {
  directoryRights,
  Fdflags,
  fileRights,
  FileType,
  Oflags,
  Right,
} from "../../src/wasi/preview1.ts";
import { Guest } from "./guest.ts";

const { create, directory, exclusive, truncate } = Oflags;

Deno.test("path_open: oflags create, truncate, require a new file or a directory", () => {
  using guest = new Guest();
  assert.equal(guest.tryOpen("new"), "ENOENT");
  guest.write(guest.open("new", { open: create }), "content");
  assert.equal(guest.tryOpen("new", { open: create | exclusive }), "EEXIST");
  assert.equal(guest.read(guest.open("new")), "content");
  guest.open("new", { open: truncate });
  assert.equal(guest.folder.read("inside/new"), "");
  assert.equal(guest.tryOpen("new", { open: directory }), "ENOTDIR");
  assert.equal(guest.tryOpen("x", { open: create | directory }), "EINVAL");
  assert.equal(guest.tryOpen("new", { open: 16 }), "EINVAL");
  assert.equal(guest.tryOpen("new", { flags: 32 }), "EINVAL");
  assert.equal(guest.tryOpen("👋 é", { open: create }), "SUCCESS");
  assert.equal(guest.folder.exists("inside/👋 é"), true);
});

Deno.test("paths: UTF-8 without NUL, 1 to 4,096 bytes", () => {
  using guest = new Guest();
  assert.equal(guest.tryOpen(""), "ENOENT");
  assert.equal(guest.tryOpen("a\0b", { open: create }), "EINVAL");
  const { at } = guest.put(Uint8Array.of(0xff, 0xfe));
  assert.equal(guest.call("path_create_directory", 3, at, 2), "EILSEQ");
  assert.equal(guest.tryOpen("x".repeat(256)), "ENAMETOOLONG");
  guest.folder.write("inside/f", "");
  assert.equal(guest.tryOpen("./".repeat(2_000) + "f"), "SUCCESS");
  assert.equal(guest.tryOpen("./".repeat(2_048) + "f"), "ENAMETOOLONG");
});

Deno.test("paths: none leads out of a preopened directory, with any function", () => {
  using guest = new Guest();
  guest.folder.write("outside/decoy", "decoy");
  guest.folder.write("inside/mine", "mine");
  guest.folder.link("../outside", "inside/out");
  guest.folder.link(guest.folder.at("outside"), "inside/absolute");
  for (
    const out of [
      "../outside",
      "out",
      "absolute",
      "out/",
      guest.folder.at("outside"),
      "./../outside",
    ]
  ) {
    const decoy = `${out}/decoy`;
    assert.equal(guest.tryOpen(decoy), "EPERM", decoy);
    assert.equal(guest.tryOpen(`${out}/new`, { open: create }), "EPERM", decoy);
    const { at, length } = guest.put(decoy);
    assert.equal(guest.call("path_filestat_get", 3, 1, at, length, guest.result), "EPERM");
    assert.equal(guest.call("path_filestat_set_times", 3, 0, at, length, 0n, 0n, 5), "EPERM");
    assert.equal(guest.call("path_unlink_file", 3, at, length), "EPERM");
    assert.equal(guest.call("path_readlink", 3, at, length, 0x9000, 100, guest.result), "EPERM");
    const made = guest.put(`${out}/new`);
    const mine = guest.put("mine");
    assert.equal(guest.call("path_create_directory", 3, made.at, made.length), "EPERM");
    assert.equal(guest.call("path_remove_directory", 3, made.at, made.length), "EPERM");
    assert.equal(
      guest.call("path_rename", 3, mine.at, mine.length, 3, made.at, made.length),
      "EPERM",
    );
    assert.equal(guest.call("path_rename", 3, at, length, 3, mine.at, mine.length), "EPERM");
    assert.equal(
      guest.call("path_link", 3, 0, mine.at, mine.length, 3, made.at, made.length),
      "EPERM",
    );
    assert.equal(guest.call("path_link", 3, 0, at, length, 3, made.at, made.length), "EPERM");
    assert.equal(
      guest.call("path_symlink", mine.at, mine.length, 3, made.at, made.length),
      "EPERM",
    );
  }
  // The link itself lies inside; with a slash behind it, it leads outside.
  for (
    const name of ["path_create_directory", "path_remove_directory", "path_unlink_file"] as const
  ) {
    assert.notEqual(guest.path(name, "out/"), "SUCCESS", name);
    assert.notEqual(guest.path(name, ".."), "SUCCESS", name);
    assert.notEqual(guest.path(name, "."), "SUCCESS", name);
  }
  assert.deepEqual([...Deno.readDirSync(guest.folder.at("outside"))].map(({ name }) => name), [
    "decoy",
  ]);
  assert.equal(guest.folder.read("outside/decoy"), "decoy");
  assert.equal(guest.folder.read("inside/mine"), "mine");
});

Deno.test("lookupflags: a link is followed if set; otherwise the call acts on the link", () => {
  using guest = new Guest();
  guest.folder.write("inside/file", "hello");
  guest.folder.link("file", "inside/link");
  guest.folder.link("nothing", "inside/dangling");
  guest.folder.link("loop", "inside/loop");
  assert.equal(guest.status("link").type, FileType.regularFile);
  assert.equal(guest.status("link", false).type, FileType.symbolicLink);
  assert.equal(guest.tryOpen("link", { follow: false }), "ELOOP");
  assert.equal(guest.tryOpen("dangling"), "ENOENT");
  assert.equal(guest.tryOpen("dangling", { open: create | exclusive }), "EEXIST");
  assert.equal(guest.tryOpen("loop"), "ELOOP");
  assert.equal(guest.tryOpen("loop/x"), "ELOOP");
  const past = 86_400_000_000_001n;
  const times = (path: string, lookup: number) => {
    const { at, length } = guest.put(path);
    return guest.call("path_filestat_set_times", 3, lookup, at, length, past, past, 5);
  };
  assert.equal(times("link", 0), "SUCCESS");
  assert.equal(guest.status("link", false).modifyNs, past);
  assert.notEqual(guest.status("file").modifyNs, past);
  assert.equal(times("link", 1), "SUCCESS");
  assert.equal(guest.status("file").modifyNs, past);
  assert.equal(times("link", 2), "EINVAL");
  assert.equal(guest.path("path_unlink_file", "link"), "SUCCESS");
  assert.equal(guest.folder.read("inside/file"), "hello");
});

Deno.test("filestat_set_times: nanoseconds, also before 1970; a time together with now is EINVAL", () => {
  using guest = new Guest();
  guest.folder.write("inside/file", "");
  const fd = guest.open("file");
  const [access, modify] = [1_234_567_890_123_456_789n, 987_654_321n];
  assert.equal(guest.call("fd_filestat_set_times", fd, access, modify, 5), "SUCCESS");
  assert.deepEqual([guest.status("file").accessNs, guest.status("file").modifyNs], [
    access,
    modify,
  ]);
  assert.equal(guest.call("fd_filestat_set_times", fd, 1n, 0n, 1), "SUCCESS");
  assert.deepEqual([guest.status("file").accessNs, guest.status("file").modifyNs], [1n, modify]);
  assert.equal(guest.call("fd_filestat_set_times", fd, 0n, -1n, 4), "SUCCESS");
  assert.equal(BigInt.asIntN(64, guest.status("file").modifyNs), -1n);
  const before = BigInt(Date.now() - 60_000) * 1_000_000n;
  assert.equal(guest.call("fd_filestat_set_times", fd, 0n, 0n, 10), "SUCCESS");
  assert.ok(guest.status("file").modifyNs > before && guest.status("file").accessNs > before);
  assert.equal(guest.call("fd_filestat_set_times", fd, 0n, 0n, 3), "EINVAL");
  assert.equal(guest.call("fd_filestat_set_times", fd, 0n, 0n, 16), "EINVAL");
});

Deno.test("path_readlink: cuts the text at the end of the buffer", () => {
  using guest = new Guest();
  guest.folder.link("some/where/👋", "inside/link");
  guest.folder.write("inside/file", "");
  const read = (path: string, length: number) => {
    const { at, length: pathLength } = guest.put(path);
    guest.bytes.fill(0xaa, 0x9000, 0x9100);
    const answer = guest.call("path_readlink", 3, at, pathLength, 0x9000, length, guest.result);
    assert.equal(guest.bytes[0x9000 + length], 0xaa);
    return answer === "SUCCESS" ? guest.text(0x9000, guest.u32()) : answer;
  };
  assert.equal(read("link", 100), "some/where/👋");
  assert.equal(read("link", 15), "some/where/👋");
  assert.equal(read("link", 4), "some");
  assert.equal(read("link", 0), "");
  assert.equal(read("file", 10), "EINVAL");
  assert.equal(read("no", 10), "ENOENT");
});

Deno.test("path_symlink: makes relative links only", () => {
  using guest = new Guest();
  const symlink = (target: string, path: string) => {
    const [from, to] = [guest.put(target), guest.put(path)];
    return guest.call("path_symlink", from.at, from.length, 3, to.at, to.length);
  };
  assert.equal(symlink("nothing yet", "link"), "SUCCESS");
  assert.equal(symlink("x", "link"), "EEXIST");
  assert.equal(symlink("/etc", "absolute"), "EPERM");
  assert.equal(symlink("", "empty"), "ENOENT");
  assert.equal(symlink("x", "no/link"), "ENOENT");
  assert.equal(symlink("x", "link2/"), "ENOENT");
  guest.folder.write("inside/file", "");
  Deno.mkdirSync(guest.folder.at("inside/sub"));
  assert.equal(symlink("x", "file"), "EEXIST");
  assert.equal(symlink("x", "file/"), "ENOTDIR");
  assert.equal(symlink("x", "sub/"), "EEXIST");
  assert.equal(Deno.readLinkSync(guest.folder.at("inside/link")), "nothing yet");
});

Deno.test("path_link: links files and links themselves, no directories", () => {
  using guest = new Guest();
  guest.folder.write("inside/file", "hello");
  guest.folder.link("file", "inside/link");
  Deno.mkdirSync(guest.folder.at("inside/sub"));
  const link = (path: string, newPath: string, lookup = 0) => {
    const [from, to] = [guest.put(path), guest.put(newPath)];
    return guest.call("path_link", 3, lookup, from.at, from.length, 3, to.at, to.length);
  };
  assert.equal(link("file", "second"), "SUCCESS");
  assert.equal(guest.status("file").links, 2n);
  assert.equal(guest.status("file").inode, guest.status("second").inode);
  assert.equal(link("link", "second-link"), "SUCCESS");
  assert.equal(guest.status("second-link", false).type, FileType.symbolicLink);
  assert.equal(link("file", "second"), "EEXIST");
  assert.equal(link("sub", "sub2"), "EPERM");
  assert.equal(link("sub/", "sub2"), "EPERM");
  assert.equal(link("file/", "x"), "ENOTDIR");
  assert.equal(link("no", "x"), "ENOENT");
  assert.equal(link("file", "x/"), "ENOENT");
  assert.equal(link("link", "x", 1), "EINVAL");
});

Deno.test("path_rename: replaces files by files and empty directories by directories", () => {
  using guest = new Guest();
  guest.folder.write("inside/a", "a");
  guest.folder.write("inside/b", "b");
  guest.folder.write("inside/full/x", "x");
  Deno.mkdirSync(guest.folder.at("inside/empty"));
  const rename = (path: string, newPath: string) => {
    const [from, to] = [guest.put(path), guest.put(newPath)];
    return guest.call("path_rename", 3, from.at, from.length, 3, to.at, to.length);
  };
  assert.equal(rename("a", "b"), "SUCCESS");
  assert.equal(guest.folder.read("inside/b"), "a");
  assert.equal(rename("b", "empty"), "EISDIR");
  assert.equal(rename("empty", "b"), "ENOTDIR");
  assert.equal(rename("empty", "full"), "ENOTEMPTY");
  assert.equal(rename("full", "empty"), "SUCCESS");
  assert.equal(guest.folder.read("inside/empty/x"), "x");
  assert.equal(rename("empty", "empty/below"), "EINVAL");
  assert.equal(rename("b/", "c"), "ENOTDIR");
  assert.equal(rename("b", "c/"), "ENOTDIR");
  assert.equal(rename("empty/", "moved/"), "SUCCESS");
  assert.equal(rename("no", "c"), "ENOENT");
});

Deno.test("path_create_directory, path_remove_directory, path_unlink_file: each for its own kind", () => {
  using guest = new Guest();
  guest.folder.write("inside/file", "");
  assert.equal(guest.path("path_create_directory", "sub"), "SUCCESS");
  assert.equal(guest.path("path_create_directory", "sub/below/"), "SUCCESS");
  assert.equal(guest.path("path_create_directory", "sub"), "EEXIST");
  assert.equal(guest.path("path_create_directory", "file/x"), "ENOTDIR");
  assert.equal(guest.path("path_create_directory", "no/x"), "ENOENT");
  assert.equal(guest.path("path_remove_directory", "sub"), "ENOTEMPTY");
  assert.equal(guest.path("path_remove_directory", "file"), "ENOTDIR");
  assert.equal(guest.path("path_unlink_file", "sub"), "EISDIR");
  assert.equal(guest.path("path_unlink_file", "file/"), "ENOTDIR");
  assert.equal(guest.path("path_remove_directory", "sub/below/"), "SUCCESS");
  assert.equal(guest.path("path_remove_directory", "sub"), "SUCCESS");
  assert.equal(guest.path("path_unlink_file", "file"), "SUCCESS");
  assert.equal(guest.path("path_unlink_file", "file"), "ENOENT");
  assert.deepEqual([...Deno.readDirSync(guest.folder.inside)], []);
});

Deno.test("paths: a slash at the end asks for a directory", () => {
  using guest = new Guest();
  guest.folder.write("inside/file", "");
  Deno.mkdirSync(guest.folder.at("inside/sub"));
  guest.folder.link("sub", "inside/link");
  assert.equal(guest.tryOpen("file/"), "ENOTDIR");
  assert.equal(guest.tryOpen("new/", { open: create }), "EISDIR");
  assert.equal(guest.tryOpen("sub/", { rights: Right.fdReaddir }), "SUCCESS");
  assert.equal(guest.status("link/", false).type, FileType.directory);
  const { at, length } = guest.put("file/");
  assert.equal(guest.call("path_filestat_get", 3, 0, at, length, guest.result), "ENOTDIR");
});

Deno.test("path_rename, path_link: EXDEV from one preopened directory to another", () => {
  using other = new Guest();
  const here = { host: other.folder.inside, guest: "/a" };
  using guest = new Guest({ preopens: [here, { host: other.folder.at("outside"), guest: "/b" }] });
  other.folder.write("inside/file", "hello");
  const [from, to] = [guest.put("file"), guest.put("moved")];
  assert.equal(guest.call("path_rename", 3, from.at, from.length, 4, to.at, to.length), "EXDEV");
  assert.equal(guest.call("path_link", 3, 0, from.at, from.length, 4, to.at, to.length), "EXDEV");
  assert.equal(other.folder.exists("outside/moved"), false);
});

Deno.test("rights: each function of a directory needs its own, on both sides where there are two", () => {
  using guest = new Guest();
  guest.folder.write("inside/file", "hello");
  const [file, made] = [guest.put("file"), guest.put("made")];
  const p = [file.at, file.length];
  const n = [made.at, made.length];
  const rows: [keyof typeof Right, () => string][] = [
    ["pathCreateDirectory", () => guest.call("path_create_directory", 3, ...n)],
    ["pathCreateFile", () => guest.tryOpen("made", { open: create })],
    ["pathLinkSource", () => guest.call("path_link", 3, 0, ...p, 3, ...n)],
    ["pathLinkTarget", () => guest.call("path_link", 3, 0, ...p, 3, ...n)],
    ["pathOpen", () => guest.tryOpen("file")],
    ["fdReaddir", () => guest.call("fd_readdir", 3, 0x9000, 100, 0n, guest.result)],
    ["pathReadlink", () => guest.call("path_readlink", 3, ...p, 0x9000, 10, guest.result)],
    ["pathRenameSource", () => guest.call("path_rename", 3, ...p, 3, ...n)],
    ["pathRenameTarget", () => guest.call("path_rename", 3, ...p, 3, ...n)],
    ["pathFilestatGet", () => guest.call("path_filestat_get", 3, 0, ...p, guest.result)],
    ["pathFilestatSetTimes", () => guest.call("path_filestat_set_times", 3, 0, ...p, 0n, 0n, 5)],
    ["fdFilestatGet", () => guest.call("fd_filestat_get", 3, guest.result)],
    ["fdFilestatSetTimes", () => guest.call("fd_filestat_set_times", 3, 0n, 0n, 5)],
    ["pathSymlink", () => guest.call("path_symlink", ...p, 3, ...n)],
    ["pathRemoveDirectory", () => guest.call("path_remove_directory", 3, ...n)],
    ["pathUnlinkFile", () => guest.call("path_unlink_file", 3, ...p)],
    ["fdSync", () => guest.call("fd_sync", 3)],
  ];
  for (const [right, call] of rows) {
    const had = rightsOf(guest, 3);
    assert.equal(
      guest.call("fd_fdstat_set_rights", 3, had.base & ~BigInt(Right[right]), had.inheriting),
      "SUCCESS",
    );
    assert.equal(call(), "ENOTCAPABLE", right);
    assert.equal(
      guest.call("fd_fdstat_set_rights", 3, had.base, had.inheriting),
      "ENOTCAPABLE",
      "rights come back",
    );
    guest.wasi.reset();
  }
  // Truncating is refused where its right was dropped.
  const had = rightsOf(guest, 3);
  guest.call(
    "fd_fdstat_set_rights",
    3,
    had.base & ~BigInt(Right.pathFilestatSetSize),
    had.inheriting,
  );
  assert.equal(guest.tryOpen("file", { open: truncate }), "EPERM");
  assert.equal(guest.folder.read("inside/file"), "hello");
  assert.equal(guest.folder.exists("inside/made"), false);
});

function rightsOf(guest: Guest, fd: number): { base: bigint; inheriting: bigint } {
  assert.equal(guest.call("fd_fdstat_get", fd, guest.result), "SUCCESS");
  return { base: guest.u64(guest.result + 8), inheriting: guest.u64(guest.result + 16) };
}

Deno.test("rights: an opened file has those asked for, and no more than its directory passes on", () => {
  using guest = new Guest();
  guest.folder.write("inside/sub/file", "hello");
  const reader = guest.open("sub/file", { rights: Right.fdRead });
  assert.deepEqual(rightsOf(guest, reader), { base: BigInt(Right.fdRead), inheriting: 0n });
  assert.equal(guest.write(reader, "x"), "EBADF");
  assert.equal(guest.call("fd_seek", reader, 0n, 0, guest.result), "ENOTCAPABLE");
  assert.equal(guest.call("fd_filestat_set_size", reader, 0n), "ENOTCAPABLE");
  assert.equal(guest.tryOpen("sub", { rights: Right.fdWrite }), "EISDIR");
  const folder = guest.openFolder("sub");
  assert.equal(
    rightsOf(guest, folder).base & BigInt(Right.fdRead | Right.fdWrite),
    0n,
    "rights of a file",
  );
  const weak = guest.open("sub", {
    rights: directoryRights,
    inheriting: Right.fdRead,
    open: directory,
  });
  assert.equal(
    guest.tryOpen("file", { fd: weak, rights: Right.fdRead | Right.fdWrite }),
    "ENOTCAPABLE",
  );
  assert.equal(guest.tryOpen("file", { fd: weak, rights: Right.fdRead }), "SUCCESS");
});

Deno.test("path_open: EMFILE after 1,024 descriptors, without a side effect", () => {
  using guest = new Guest();
  guest.folder.write("inside/f", "");
  const { at, length } = guest.put("f");
  const open = () =>
    guest.call("path_open", 3, 0, at, length, 0, BigInt(Right.fdRead), 0n, 0, guest.result);
  for (let fd = 4; fd < 1_024; fd++) assert.equal(open(), "SUCCESS");
  assert.equal(guest.u32(), 1_023);
  assert.equal(open(), "EMFILE");
  assert.equal(guest.tryOpen("new", { open: create }), "EMFILE");
  assert.equal(guest.folder.exists("inside/new"), false);
  assert.equal(guest.call("fd_close", 500), "SUCCESS");
  assert.equal(open(), "SUCCESS");
  assert.equal(guest.u32(), 500);
});

Deno.test("own files: no call opens, replaces or removes one", () => {
  using other = new Guest();
  other.folder.write("inside/hello.wasm", "own");
  other.folder.write("inside/mine", "mine");
  other.folder.link("hello.wasm", "inside/link");
  using guest = new Guest({
    preopens: [{ host: other.folder.inside, guest: "/" }],
    ownFiles: [other.folder.at("inside/hello.wasm"), other.folder.at("inside/later")],
  });
  const [own, mine, later] = [guest.put("hello.wasm"), guest.put("mine"), guest.put("later")];
  assert.equal(guest.tryOpen("hello.wasm"), "EACCES");
  assert.equal(guest.tryOpen("link"), "EACCES");
  assert.equal(guest.tryOpen("hello.wasm", { open: truncate }), "EACCES");
  for (const target of [own, later]) {
    const to = [3, target.at, target.length];
    assert.equal(guest.call("path_rename", 3, mine.at, mine.length, ...to), "EACCES");
    assert.equal(guest.call("path_link", 3, 0, mine.at, mine.length, ...to), "EACCES");
    assert.equal(guest.call("path_symlink", mine.at, mine.length, ...to), "EACCES");
    assert.equal(guest.call("path_create_directory", ...to), "EACCES");
    assert.equal(guest.call("path_unlink_file", ...to), "EACCES");
  }
  assert.equal(
    guest.call("path_link", 3, 0, own.at, own.length, 3, mine.at, mine.length),
    "EACCES",
  );
  assert.equal(guest.call("path_rename", 3, own.at, own.length, 3, mine.at, mine.length), "EACCES");
  assert.equal(guest.tryOpen("later", { open: create }), "EACCES");
  assert.equal(other.folder.read("inside/hello.wasm"), "own");
  assert.equal(other.folder.exists("inside/later"), false);
});

Deno.test("path_open: a named pipe is refused without waiting for its other end", () => {
  using guest = new Guest();
  new Deno.Command("mkfifo", { args: [guest.folder.at("inside/pipe")] }).outputSync();
  assert.equal(guest.tryOpen("pipe", { rights: Right.fdRead }), "EACCES");
  assert.equal(guest.tryOpen("pipe", { rights: fileRights }), "EACCES");
  assert.equal(guest.tryOpen("pipe", { rights: Right.fdWrite, flags: Fdflags.append }), "ENXIO");
});
