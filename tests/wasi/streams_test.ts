import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Fdflags } from "../../src/wasi/preview1.ts";
import { Guest } from "./guest.ts";
import { TemporaryFolder } from "../testing/temporary_folder.ts";
import { stream } from "./standard_input.ts";

Deno.test("standard input: bytes are read to their end and, after a reset, from their start", () => {
  using guest = new Guest({
    stdin: { kind: "bytes", bytes: new TextEncoder().encode("héllo 👋") },
  });
  assert.equal(guest.read(0, 3), "hé");
  assert.equal(guest.read(0), "llo 👋");
  assert.equal(guest.read(0), "");
  guest.wasi.reset();
  assert.equal(guest.read(0), "héllo 👋");
  using none = new Guest();
  assert.equal(none.read(0), "");
});

Deno.test("fd_read: waits for the first bytes of a stream, and reports its end", async () => {
  const { stdin, give } = stream();
  using guest = new Guest({ stdin });
  const iovs = guest.iovs({ at: 0x9000, length: 4 }, { at: 0x9100, length: 100 });
  const read = () => guest.wait("fd_read", 0, iovs.at, 2, guest.result);
  const first = read();
  give("hello!");
  assert.equal(await first, "SUCCESS");
  assert.equal(guest.u32(), 6);
  assert.equal(guest.text(0x9000, 4) + guest.text(0x9100, 2), "hello!");
  const end = read();
  give(null);
  assert.equal(await end, "SUCCESS");
  assert.equal(guest.u32(), 0);
  assert.equal(guest.call("fd_read", 0, iovs.at, 2, guest.result), "SUCCESS", "the end stays");
});

Deno.test("fd_read: returns bytes that the last read left over without waiting", async () => {
  const { stdin, give } = stream();
  using guest = new Guest({ stdin });
  const iovs = guest.iovs({ at: 0x9000, length: 2 });
  const first = guest.wait("fd_read", 0, iovs.at, 1, guest.result);
  give("abc");
  await first;
  assert.equal(guest.read(0), "c");
});

Deno.test("fd_read: EIO if standard input fails", async () => {
  using guest = new Guest({
    stdin: { kind: "stream", read: () => Promise.reject(new Error("gone")) },
  });
  const iovs = guest.iovs({ at: 0x9000, length: 2 });
  assert.equal(await guest.wait("fd_read", 0, iovs.at, 1, guest.result), "EIO");
  assert.equal(await guest.wait("fd_read", 0, iovs.at, 1, guest.result), "EIO");
});

Deno.test("fd_read: EISDIR if standard input is a directory", async () => {
  using folder = new TemporaryFolder();
  using directory = Deno.openSync(folder.inside);
  using guest = new Guest({ stdin: { kind: "stream", read: (buffer) => directory.read(buffer) } });
  const iovs = guest.iovs({ at: 0x9000, length: 2 });
  assert.equal(await guest.wait("fd_read", 0, iovs.at, 1, guest.result), "EISDIR");
});

Deno.test("fd_write: iovecs arrive as one write in order; a partial write reports its length", () => {
  const pieces: string[] = [];
  using guest = new Guest({
    stdout: (bytes) => {
      pieces.push(new TextDecoder().decode(bytes));
      return Math.min(bytes.length, 4);
    },
  });
  const iovs = guest.iovs(guest.put("he"), guest.put(""), guest.put("llo"));
  assert.equal(guest.call("fd_write", 1, iovs.at, 3, guest.result), "SUCCESS");
  assert.deepEqual([pieces, guest.u32()], [["hello"], 4]);
  guest.write(2, "err 👋");
  assert.equal(guest.written.stderr, "err 👋");
  assert.equal(guest.call("fd_write", 0, iovs.at, 3, guest.result), "EBADF");
  assert.equal(guest.call("fd_read", 1, iovs.at, 3, guest.result), "EBADF");
  assert.equal(guest.call("fd_pwrite", 1, iovs.at, 3, 0n, guest.result), "ESPIPE");
  assert.equal(guest.call("fd_pread", 0, iovs.at, 3, 0n, guest.result), "ESPIPE");
});

Deno.test("fd_write: EPIPE if the reader is gone, and the guest continues", () => {
  using guest = new Guest({
    stdout() {
      throw new Deno.errors.BrokenPipe();
    },
  });
  assert.equal(guest.write(1, "x"), "EPIPE");
  assert.equal(guest.write(2, "still here"), "SUCCESS");
});

Deno.test("fd_write: waits while the output is full; an error after that is reported as usual", async () => {
  const full: PromiseWithResolvers<number>[] = [];
  const stdout = (bytes: Uint8Array) => {
    if (bytes.length < 10) return;
    full.push(Promise.withResolvers<number>());
    return full.at(-1)?.promise;
  };
  using guest = new Guest({ stdout, outputWaits: true });
  assert.deepEqual([...guest.wasi.suspending].sort(), ["fd_write", "poll_oneoff"]);
  const large = { at: 0x9000, length: 20_000 };
  const list = (...pieces: { at: number; length: number }[]) => guest.iovs(...pieces).at;
  assert.equal(guest.call("fd_write", 1, list({ at: 0, length: 9 }), 1, guest.result), "SUCCESS");
  const write = (pieces: { at: number; length: number }[]) =>
    guest.wait("fd_write", 1, list(...pieces), pieces.length, guest.result);
  const waiting = write([large]);
  full[0]?.resolve(7);
  assert.deepEqual([await waiting, guest.u32()], ["SUCCESS", 7]);
  const broken = write([large]);
  full[1]?.reject(new Deno.errors.BrokenPipe());
  assert.equal(await broken, "EPIPE");
  // Too large to be gathered: the first is taken immediately, the second waits.
  const small = { at: 0, length: 9 };
  const many = [small, large, large, large, large];
  const part = write(many);
  full[2]?.resolve(100);
  assert.deepEqual([await part, guest.u32()], ["SUCCESS", 109]);
  const cut = write(many);
  full[3]?.reject(new Deno.errors.BrokenPipe());
  assert.deepEqual([await cut, guest.u32()], ["SUCCESS", 9]);
});

Deno.test("fd_fdstat_get: a stream is a character device only if it is a terminal", () => {
  using guest = new Guest({ terminals: { stdout: true } });
  const type = (fd: number) => {
    assert.equal(guest.call("fd_fdstat_get", fd, guest.result), "SUCCESS");
    return guest.view.getUint8(guest.result);
  };
  assert.deepEqual([type(0), type(1), type(2), type(3)], [0, 2, 0, 3]);
});

Deno.test("fd_read: with nonblock, EAGAIN while standard input is empty", async () => {
  const { stdin, give } = stream();
  using guest = new Guest({ stdin });
  assert.equal(guest.call("fd_fdstat_set_flags", 0, Fdflags.nonblock), "SUCCESS");
  const iovs = guest.iovs({ at: 0x9000, length: 10 });
  const read = () => guest.wait("fd_read", 0, iovs.at, 1, guest.result);
  const first = read();
  give("there");
  assert.equal(await first, "SUCCESS");
  assert.equal(guest.text(0x9000, guest.u32()), "there");
  assert.equal(await read(), "EAGAIN");
  assert.equal(await read(), "EAGAIN");
  give(null);
  assert.equal(await read(), "SUCCESS");
  assert.equal(guest.u32(), 0);
});

Deno.test("fd_read, fd_write: move large buffers in pieces, and check the deadline between", () => {
  const bytes = new Uint8Array(20 << 20).map((_, at) => at >> 16);
  const pieces: number[] = [];
  let looks = 0;
  using guest = new Guest({
    stdin: { kind: "bytes", bytes },
    stdout: (bytes) => void pieces.push(bytes.length),
    assertInTime: () => void looks++,
  });
  guest.memory.grow(400);
  const iovs = guest.iovs({ at: 0x10000, length: bytes.length });
  assert.equal(guest.call("fd_read", 0, iovs.at, 1, guest.result), "SUCCESS");
  assert.equal(guest.u32(), bytes.length);
  assert.ok(
    Buffer.compare(bytes, guest.bytes.subarray(0x10000, 0x10000 + bytes.length)) === 0 && looks > 1,
  );
  assert.equal(guest.call("fd_write", 1, iovs.at, 1, guest.result), "SUCCESS");
  assert.equal(guest.u32(), bytes.length);
  assert.equal(pieces.reduce((sum, length) => sum + length), bytes.length);
});
