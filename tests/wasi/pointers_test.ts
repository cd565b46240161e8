import assert from "node:assert/strict";
import { loadFamilies, preview1Names } from "../../src/wasi/imports.ts";
import { Guest } from "./guest.ts";

const end = 65_536;

/** A parameter that points to `bytes` bytes, or to `content`. */
type Pointer = { readonly bytes: number } | { readonly content: string | Uint8Array };
type Parameter = number | bigint | Pointer;

const path = (text: string): [Pointer, number] => [{ content: text }, text.length];
/** One iovec: 5 bytes at 0x9000. */
const iov: Pointer = { content: Uint8Array.of(0, 0x90, 0, 0, 5, 0, 0, 0) };
/** A clock that has expired. */
const subscription: Pointer = { content: new Uint8Array(48) };
const file = 4;

/** A successful call of every function with a pointer. Descriptor 4 is the file `file`. */
const calls: Partial<Record<(typeof preview1Names)[number], Parameter[]>> = {
  args_get: [{ bytes: 8 }, { bytes: 11 }],
  args_sizes_get: [{ bytes: 4 }, { bytes: 4 }],
  environ_get: [{ bytes: 4 }, { bytes: 6 }],
  environ_sizes_get: [{ bytes: 4 }, { bytes: 4 }],
  clock_res_get: [0, { bytes: 8 }],
  clock_time_get: [0, 0n, { bytes: 8 }],
  fd_fdstat_get: [file, { bytes: 24 }],
  fd_filestat_get: [file, { bytes: 64 }],
  fd_pread: [file, iov, 1, 0n, { bytes: 4 }],
  fd_prestat_get: [3, { bytes: 8 }],
  fd_prestat_dir_name: [3, { bytes: 5 }, 5],
  fd_pwrite: [file, iov, 1, 0n, { bytes: 4 }],
  fd_read: [file, iov, 1, { bytes: 4 }],
  fd_readdir: [3, { bytes: 100 }, 100, 0n, { bytes: 4 }],
  fd_seek: [file, 0n, 0, { bytes: 8 }],
  fd_tell: [file, { bytes: 8 }],
  fd_write: [file, iov, 1, { bytes: 4 }],
  path_create_directory: [3, ...path("new")],
  path_filestat_get: [3, 0, ...path("file"), { bytes: 64 }],
  path_filestat_set_times: [3, 0, ...path("file"), 5n, 6n, 5],
  path_link: [3, 0, ...path("file"), 3, ...path("second")],
  path_open: [3, 0, ...path("made"), 1, 64n, 0n, 0, { bytes: 4 }],
  path_readlink: [3, ...path("link"), { bytes: 20 }, 20, { bytes: 4 }],
  path_remove_directory: [3, ...path("sub")],
  path_rename: [3, ...path("file"), 3, ...path("renamed")],
  path_symlink: [...path("file"), 3, ...path("new-link")],
  path_unlink_file: [3, ...path("file")],
  poll_oneoff: [subscription, { bytes: 32 }, 1, { bytes: 4 }],
  random_get: [{ bytes: 40 }, 40],
};

const lengthOf = (pointer: Pointer) => "bytes" in pointer ? pointer.bytes : pointer.content.length;

const snapshot = (guest: Guest) =>
  [...Deno.readDirSync(guest.folder.inside)].map(({ name }) => {
    const at = `${guest.folder.inside}/${name}`;
    const { isFile, mtime, size } = Deno.lstatSync(at);
    return [name, size, isFile ? Deno.readTextFileSync(at) : "", mtime?.getTime()];
  });

function prepared(): Guest {
  const guest = new Guest({ args: ["program", "é"], env: { A: "b c" } });
  guest.folder.write("inside/file", "hello");
  Deno.mkdirSync(guest.folder.at("inside/sub"));
  guest.folder.link("file", "inside/link");
  assert.equal(guest.open("file"), file);
  return guest;
}

/** Calls a function with the pointer at `index` placed `past` bytes beyond where it just fits. */
function callWith(guest: Guest, name: keyof typeof calls, index: number, past: number): string {
  const placed = (calls[name] ?? []).map((parameter, at) => {
    if (typeof parameter !== "object") return parameter;
    const place = at === index ? end - lengthOf(parameter) + past : undefined;
    if (!("content" in parameter)) return place ?? guest.put(new Uint8Array(parameter.bytes)).at;
    if (place === undefined) return guest.put(parameter.content).at;
    const bytes = typeof parameter.content === "string"
      ? new TextEncoder().encode(parameter.content)
      : parameter.content;
    guest.bytes.set(bytes.subarray(0, end - place), place);
    return place;
  });
  const memory = guest.bytes.slice();
  const before = snapshot(guest);
  const answer = guest.call(name, ...placed);
  if (past > 0) {
    assert.ok(guest.bytes.every((byte, at) => byte === memory[at]), `${name} wrote to memory`);
    assert.deepEqual(snapshot(guest), before, `${name} had a side effect`);
  }
  return answer;
}

for (const [name, parameters] of Object.entries(calls)) {
  Deno.test(`${name}: a pointer may just fit; one byte further is EFAULT without a side effect`, () => {
    parameters.forEach((parameter, index) => {
      if (typeof parameter !== "object") return;
      using guest = prepared();
      assert.equal(
        callWith(guest, name as keyof typeof calls, index, 1),
        "EFAULT",
        `parameter ${index}`,
      );
      assert.equal(
        callWith(guest, name as keyof typeof calls, index, 0),
        "SUCCESS",
        `parameter ${index}`,
      );
    });
  });
}

Deno.test("pointers: unsigned, so the last bytes of 4 GiB lie outside", () => {
  using guest = prepared();
  for (const pointer of [-1, -8, 0x7fffffff, -0x80000000]) {
    assert.equal(guest.call("args_sizes_get", pointer, 16), "EFAULT");
    assert.equal(guest.call("random_get", pointer, 16), "EFAULT");
    assert.equal(guest.call("random_get", 16, pointer), "EFAULT");
    assert.equal(guest.call("fd_read", file, pointer, 1, 16), "EFAULT");
    assert.equal(guest.call("fd_read", file, 16, pointer, 16), "EFAULT");
    assert.equal(guest.call("fd_readdir", 3, 16, pointer, 0n, 16), "EFAULT");
    assert.equal(guest.call("poll_oneoff", 16, 16, pointer, 16), "EFAULT");
    assert.equal(guest.call("path_unlink_file", 3, 16, pointer), "EFAULT");
  }
});

Deno.test("iovecs: if one ends a byte outside, EFAULT, and none is read or written", () => {
  using guest = prepared();
  const good = { at: 0x9000, length: 2 };
  for (
    const bad of [{ at: end - 4, length: 5 }, { at: 0xffffffff, length: 1 }, {
      at: 16,
      length: 0xffffffff,
    }]
  ) {
    const list = guest.iovs(good, bad);
    for (const name of ["fd_read", "fd_write"] as const) {
      assert.equal(guest.call(name, file, list.at, 2, guest.result), "EFAULT", name);
    }
    for (const name of ["fd_pread", "fd_pwrite"] as const) {
      assert.equal(guest.call(name, file, list.at, 2, 0n, guest.result), "EFAULT", name);
    }
  }
  assert.equal(guest.text(0x9000, 2), "\0\0");
  assert.equal(guest.folder.read("inside/file"), "hello");
  const just = guest.iovs(good, { at: end - 4, length: 4 }, { at: end, length: 0 });
  assert.equal(guest.call("fd_read", file, just.at, 3, guest.result), "SUCCESS");
  assert.equal(guest.text(0x9000, 2) + guest.text(end - 4, 3), "hello");
});

Deno.test("pointers: every function with a pointer is in this suite", () => {
  const without = [
    ...[
      "fd_advise",
      "fd_allocate",
      "fd_close",
      "fd_datasync",
      "fd_fdstat_set_flags",
      "fd_fdstat_set_rights",
    ],
    ...[
      "fd_filestat_set_size",
      "fd_filestat_set_times",
      "fd_renumber",
      "fd_sync",
      "proc_exit",
      "proc_raise",
    ],
    // ENOTSOCK comes before any pointer is checked.
    ...["sched_yield", "sock_accept", "sock_recv", "sock_send", "sock_shutdown"],
  ];
  assert.equal(preview1Names.length, 46);
  assert.deepEqual([...Object.keys(calls), ...without].sort(), [...preview1Names].sort());
});

Deno.test("loadFamilies: loads one family per function, the one that has it", async () => {
  using guest = new Guest();
  assert.deepEqual(Object.keys(guest.wasi.imports).sort(), [...preview1Names].sort());
  for (const name of preview1Names) {
    const families = await loadFamilies([name]);
    assert.equal(families.length, 1, name);
    using alone = new Guest({ families });
    assert.ok(alone.wasi.imports[name], name);
  }
  assert.deepEqual(await loadFamilies(["fd_eat", "toString", ""]), []);
});
