import assert from "node:assert/strict";
import { Errno } from "../../src/wasi/preview1.ts";
import { Guest } from "./guest.ts";

type Call = (...parameters: (number | bigint)[]) => number;

/** Calls a function of `wasi_unstable`, which must succeed. */
function call(guest: Guest, name: string, ...parameters: (number | bigint)[]): void {
  const imports = guest.wasi.unstableImports as unknown as Record<string, Call>;
  assert.equal(imports[name]?.(...parameters), 0, name);
}

Deno.test("wasi_unstable: has all functions of preview1 but sock_accept", () => {
  using guest = new Guest();
  const names = Object.keys(guest.wasi.imports).filter((name) => name !== "sock_accept");
  assert.deepEqual(Object.keys(guest.wasi.unstableImports), names);
  assert.equal(guest.wasi.unstableImports, guest.wasi.unstableImports);
});

Deno.test("wasi_unstable: fd_seek takes whence 0 from the position, 1 the end, 2 the start", () => {
  using guest = new Guest();
  guest.folder.write("inside/file", "0123456789");
  const fd = guest.open("file");
  const seek = (offset: bigint, whence: number) => {
    call(guest, "fd_seek", fd, offset, whence, guest.result);
    return guest.u64();
  };
  assert.deepEqual([seek(3n, 2), seek(4n, 0), seek(-1n, 1)], [3n, 7n, 9n]);
});

Deno.test("wasi_unstable: a filestat has 56 bytes, with 32 bits for the links", () => {
  using guest = new Guest();
  guest.folder.write("inside/file", "hello");
  Deno.linkSync(guest.folder.at("inside/file"), guest.folder.at("inside/second"));
  const fd = guest.open("file");
  const status = guest.status("file");
  const end = 65_536 - 56;
  const path = guest.put("file");
  const check = () => {
    assert.equal(guest.u64(end + 8), status.inode);
    assert.equal(guest.view.getUint8(end + 16), status.type);
    assert.equal(guest.u32(end + 20), 2);
    assert.equal(guest.u64(end + 24), 5n);
    assert.deepEqual([guest.u64(end + 32), guest.u64(end + 40)], [
      status.accessNs,
      status.modifyNs,
    ]);
    guest.bytes.fill(0xaa, end);
  };
  guest.bytes.fill(0xaa, end);
  call(guest, "fd_filestat_get", fd, end);
  check();
  call(guest, "path_filestat_get", 3, 0, path.at, path.length, end);
  check();
  call(guest, "fd_filestat_get", 1, end);
  assert.ok(guest.bytes.subarray(end).every((byte) => byte === 0));
});

Deno.test("wasi_unstable: a subscription has 56 bytes, and its clock has separate user data", () => {
  using guest = new Guest();
  const bytes = new Uint8Array(3 * 56);
  const view = new DataView(bytes.buffer);
  // An expired monotonic clock, an unknown clock, standard output.
  for (const [index, clock] of [1, 9].entries()) {
    view.setBigUint64(index * 56, BigInt(100 + index), true);
    view.setBigUint64(index * 56 + 16, 77n, true);
    view.setUint32(index * 56 + 24, clock, true);
    view.setBigUint64(index * 56 + 32, 5n, true);
    view.setUint16(index * 56 + 48, 1, true);
  }
  view.setBigUint64(112, 102n, true);
  view.setUint8(112 + 8, 2);
  view.setUint32(112 + 16, 1, true);
  call(guest, "poll_oneoff", guest.put(bytes).at, 0x9000, 3, guest.result);
  const events = Array.from({ length: guest.u32() }, (_, index) => {
    const at = 0x9000 + 32 * index;
    return [Number(guest.u64(at)), guest.view.getUint16(at + 8, true)];
  });
  assert.deepEqual(events, [[102, 0], [100, 0], [101, Errno.EINVAL]]);
});
