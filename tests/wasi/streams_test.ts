import assert from "node:assert/strict";
import { GuestExit } from "../../src/wasi/wasi.ts";
import { Errno, FdFlag } from "../../src/wasi/preview1.ts";
import { Guest } from "./guest.ts";

const clock = (seconds: bigint) => ({
  realtimeNs: () => 1_700_000_000n * 1_000_000_000n + seconds,
  monotonicNs: () => seconds,
});

/** A standard input whose pieces are handed over by the test. */
function stream() {
  const asked: { buffer: Uint8Array; answer: (length: number | null) => void }[] = [];
  const read = (buffer: Uint8Array) =>
    new Promise<number | null>((answer) => void asked.push({ buffer, answer }));
  return {
    stdin: { kind: "stream" as const, read },
    asked,
    give(text: string | null) {
      const next = asked.shift();
      assert.ok(next, "nobody reads");
      if (text === null) return next.answer(null);
      next.answer(new TextEncoder().encodeInto(text, next.buffer).written);
    },
  };
}

Deno.test("standard input as bytes is read to its end and, after a reset, from its start", () => {
  using guest = new Guest({ stdin: { kind: "bytes", bytes: new TextEncoder().encode("héllo 👋") } });
  assert.equal(guest.read(0, 3), "hé");
  assert.equal(guest.read(0), "llo 👋");
  assert.equal(guest.read(0), "");
  guest.wasi.reset();
  assert.equal(guest.read(0), "héllo 👋");
  using none = new Guest();
  assert.equal(none.read(0), "");
});

Deno.test("a read of a stream waits for its first bytes, gives what is there, and ends with it", async () => {
  const { stdin, give } = stream();
  using guest = new Guest({ stdin });
  const vectors = guest.vectors({ at: 0x9000, length: 4 }, { at: 0x9100, length: 100 });
  const read = () => guest.wait("fd_read", 0, vectors.at, 2, guest.result);
  const first = read();
  give("hello!");
  assert.equal(await first, "SUCCESS");
  assert.equal(guest.u32(), 6);
  assert.equal(guest.text(0x9000, 4) + guest.text(0x9100, 2), "hello!");
  const end = read();
  give(null);
  assert.equal(await end, "SUCCESS");
  assert.equal(guest.u32(), 0);
  assert.equal(guest.call("fd_read", 0, vectors.at, 2, guest.result), "SUCCESS", "the end stays");
});

Deno.test("what a read left over is there for the next one without waiting", async () => {
  const { stdin, give } = stream();
  using guest = new Guest({ stdin });
  const vectors = guest.vectors({ at: 0x9000, length: 2 });
  const first = guest.wait("fd_read", 0, vectors.at, 1, guest.result);
  give("abc");
  await first;
  assert.equal(guest.read(0), "c");
});

Deno.test("a standard input that fails is an input/output error, not a crash", async () => {
  using guest = new Guest({ stdin: { kind: "stream", read: () => Promise.reject(new Error("gone")) } });
  const vectors = guest.vectors({ at: 0x9000, length: 2 });
  assert.equal(await guest.wait("fd_read", 0, vectors.at, 1, guest.result), "EIO");
  assert.equal(await guest.wait("fd_read", 0, vectors.at, 1, guest.result), "EIO");
});

Deno.test("writes arrive as one piece in their order; partial ones tell how many bytes went", () => {
  const pieces: string[] = [];
  using guest = new Guest({
    stdout: (bytes) => {
      pieces.push(new TextDecoder().decode(bytes));
      return Math.min(bytes.length, 4);
    },
  });
  const vectors = guest.vectors(guest.put("he"), guest.put(""), guest.put("llo"));
  assert.equal(guest.call("fd_write", 1, vectors.at, 3, guest.result), "SUCCESS");
  assert.deepEqual([pieces, guest.u32()], [["hello"], 4]);
  guest.write(2, "err 👋");
  assert.equal(guest.written.stderr, "err 👋");
  assert.equal(guest.call("fd_write", 0, vectors.at, 3, guest.result), "EBADF");
  assert.equal(guest.call("fd_read", 1, vectors.at, 3, guest.result), "EBADF");
  assert.equal(guest.call("fd_pwrite", 1, vectors.at, 3, 0n, guest.result), "ESPIPE");
  assert.equal(guest.call("fd_pread", 0, vectors.at, 3, 0n, guest.result), "ESPIPE");
});

Deno.test("an output that nobody reads any more is EPIPE, and the guest lives on", () => {
  using guest = new Guest({
    stdout() {
      throw new Deno.errors.BrokenPipe();
    },
  });
  assert.equal(guest.write(1, "x"), "EPIPE");
  assert.equal(guest.write(2, "still here"), "SUCCESS");
});

Deno.test("a write to an output that is full waits until it takes some, and what fails then is told like any failure", async () => {
  const full: PromiseWithResolvers<number>[] = [];
  const stdout = (bytes: Uint8Array) => {
    if (bytes.length < 10) return;
    full.push(Promise.withResolvers<number>());
    return full.at(-1)?.promise;
  };
  using guest = new Guest({ stdout, outputWaits: true });
  assert.deepEqual([...guest.wasi.suspending].sort(), ["fd_write", "poll_oneoff"]);
  const large = { at: 0x9000, length: 20_000 };
  const list = (...pieces: { at: number; length: number }[]) => guest.vectors(...pieces).at;
  assert.equal(guest.call("fd_write", 1, list({ at: 0, length: 9 }), 1, guest.result), "SUCCESS");
  const write = (pieces: { at: number; length: number }[]) =>
    guest.wait("fd_write", 1, list(...pieces), pieces.length, guest.result);
  const waiting = write([large]);
  full[0]?.resolve(7);
  assert.deepEqual([await waiting, guest.u32()], ["SUCCESS", 7]);
  const broken = write([large]);
  full[1]?.reject(new Deno.errors.BrokenPipe());
  assert.equal(await broken, "EPIPE");
  // Pieces that are too much to go as one: the first is taken at once, the second is waited for.
  const small = { at: 0, length: 9 };
  const many = [small, large, large, large, large];
  const part = write(many);
  full[2]?.resolve(100);
  assert.deepEqual([await part, guest.u32()], ["SUCCESS", 109]);
  const cut = write(many);
  full[3]?.reject(new Deno.errors.BrokenPipe());
  assert.deepEqual([await cut, guest.u32()], ["SUCCESS", 9]);
});

Deno.test("a stream is a character device with no seek only when it is a terminal", () => {
  using guest = new Guest({ terminals: { stdout: true } });
  const type = (fd: number) => {
    assert.equal(guest.call("fd_fdstat_get", fd, guest.result), "SUCCESS");
    return guest.view.getUint8(guest.result);
  };
  assert.deepEqual([type(0), type(1), type(2), type(3)], [0, 2, 0, 3]);
});

/** One subscription after the other: a clock, or a descriptor. */
function subscriptions(
  guest: Guest,
  ...wanted: ({ clock: number; timeout: bigint; flags?: number } | { fd: number; type: number })[]
): number {
  const bytes = new Uint8Array(48 * wanted.length);
  const view = new DataView(bytes.buffer);
  wanted.forEach((one, index) => {
    const at = index * 48;
    view.setBigUint64(at, BigInt(100 + index), true);
    if ("fd" in one) {
      view.setUint8(at + 8, one.type);
      view.setUint32(at + 16, one.fd, true);
      return;
    }
    view.setUint32(at + 16, one.clock, true);
    view.setBigUint64(at + 24, one.timeout, true);
    view.setUint16(at + 40, one.flags ?? 0, true);
  });
  return guest.put(bytes).at;
}

/** The events at 0x9000: user data, error, type, bytes, flags. */
function events(guest: Guest) {
  return Array.from({ length: guest.u32() }, (_, index) => {
    const at = 0x9000 + index * 32;
    return [
      Number(guest.u64(at)),
      guest.view.getUint16(at + 8, true),
      guest.view.getUint8(at + 10),
      Number(guest.u64(at + 16)),
      guest.view.getUint16(at + 24, true),
    ];
  });
}

Deno.test("poll_oneoff: a clock that has rung answers at once, on each clock, relative and absolute", () => {
  using guest = new Guest({ clock: clock(1_000_000n) });
  const realtime = 1_700_000_000n * 1_000_000_000n;
  const at = subscriptions(
    guest,
    { clock: 0, timeout: 0n },
    { clock: 1, timeout: 0n },
    { clock: 0, timeout: realtime, flags: 1 },
    { clock: 1, timeout: 5n, flags: 1 },
    { clock: 1, timeout: 1_000_000_000_000n },
    { clock: 9, timeout: 0n },
    { clock: 1, timeout: 0n, flags: 2 },
  );
  assert.equal(guest.call("poll_oneoff", at, 0x9000, 7, guest.result), "SUCCESS");
  assert.deepEqual(events(guest).map(([data, errno]) => [data, errno]), [
    [100, 0],
    [101, 0],
    [102, 0],
    [103, 0],
    [105, Errno.EINVAL],
    [106, Errno.EINVAL],
  ]);
  assert.equal(guest.call("poll_oneoff", at, 0x9000, 0, guest.result), "EINVAL");
});

Deno.test("poll_oneoff waits for the nearest clock, on each clock, relative and absolute", async () => {
  using guest = new Guest();
  for (const id of [0, 1]) {
    assert.equal(guest.call("clock_time_get", id, 0n, guest.result), "SUCCESS");
    const now = guest.u64();
    const ms = 1_000_000n;
    const far = { clock: id, timeout: 3_600_000n * ms };
    for (const near of [{ clock: id, timeout: 2n * ms }, { clock: id, timeout: now + 4n * ms, flags: 1 }]) {
      const at = subscriptions(guest, far, near);
      assert.equal(await guest.wait("poll_oneoff", at, 0x9000, 2, guest.result), "SUCCESS");
      assert.deepEqual(events(guest), [[101, 0, 0, 0, 0]]);
      assert.equal(guest.call("clock_time_get", id, 0n, guest.result), "SUCCESS");
      assert.ok(guest.u64() >= now + 2n * ms, "it rang early");
    }
  }
});

Deno.test("poll_oneoff: files and outputs are ready, what cannot be polled is told in its event", () => {
  using guest = new Guest({ stdin: { kind: "bytes", bytes: new Uint8Array(7) } });
  guest.folder.write("inside/file", "hello");
  const fd = guest.open("file");
  guest.read(fd, 2);
  const at = subscriptions(
    guest,
    { fd, type: 1 },
    { fd, type: 2 },
    { fd: 1, type: 2 },
    { fd: 0, type: 1 },
    { fd: 0, type: 2 },
    { fd: 3, type: 1 },
    { fd: 99, type: 1 },
    { fd, type: 3 },
  );
  assert.equal(guest.call("poll_oneoff", at, 0x9000, 8, guest.result), "SUCCESS");
  assert.deepEqual(events(guest), [
    [100, 0, 1, 3, 0],
    [101, 0, 2, 0, 0],
    [102, 0, 2, 0, 0],
    [103, 0, 1, 7, 0],
    [104, Errno.EBADF, 2, 0, 0],
    [105, Errno.EBADF, 1, 0, 0],
    [106, Errno.EBADF, 1, 0, 0],
    [107, Errno.EINVAL, 3, 0, 0],
  ]);
});

Deno.test("poll_oneoff waits for standard input, tells how much there is, and hangs up at its end", async () => {
  const { stdin, give } = stream();
  using guest = new Guest({ stdin });
  const at = subscriptions(guest, { fd: 0, type: 1 }, { clock: 1, timeout: 3_600_000_000_000n });
  const poll = () => guest.wait("poll_oneoff", at, 0x9000, 2, guest.result);
  const first = poll();
  give("hello");
  assert.equal(await first, "SUCCESS");
  assert.deepEqual(events(guest), [[100, 0, 1, 5, 0]]);
  assert.equal(guest.read(0), "hello");
  const last = poll();
  give(null);
  assert.equal(await last, "SUCCESS");
  assert.deepEqual(events(guest), [[100, 0, 1, 0, 1]]);
});

Deno.test("poll_oneoff: a clock rings while standard input has nothing, and a reset ends a wait's timer", async () => {
  const { stdin, give, asked } = stream();
  using guest = new Guest({ stdin });
  const at = subscriptions(guest, { fd: 0, type: 1 }, { clock: 1, timeout: 1_000_000n });
  assert.equal(await guest.wait("poll_oneoff", at, 0x9000, 2, guest.result), "SUCCESS");
  assert.deepEqual(events(guest), [[101, 0, 0, 0, 0]]);
  assert.equal(asked.length, 1);
  // The read that is under way serves the next one.
  const vectors = guest.vectors({ at: 0x9000, length: 10 });
  const read = guest.wait("fd_read", 0, vectors.at, 1, guest.result);
  give("late");
  assert.equal(await read, "SUCCESS");
  assert.equal(guest.text(0x9000, guest.u32()), "late");
  // The sanitizers would see the timer if it stayed.
  const forever = subscriptions(guest, { clock: 1, timeout: 0xffffffffffffffffn });
  void guest.wait("poll_oneoff", forever, 0x9000, 1, guest.result);
  guest.wasi.reset();
});

Deno.test("poll_oneoff without waiting sees what lies on standard input, and what comes later", async () => {
  const { stdin, give, asked } = stream();
  using guest = new Guest({ stdin });
  for (const other of [{ clock: 1, timeout: 0n }, { fd: 1, type: 2 }]) {
    const at = subscriptions(guest, { fd: 0, type: 1 }, other);
    const poll = async () => {
      assert.equal(await guest.wait("poll_oneoff", at, 0x9000, 2, guest.result), "SUCCESS");
      return events(guest).map(([userdata]) => userdata);
    };
    const first = poll();
    give("there");
    assert.deepEqual(await first, [100, 101], "what lies there");
    assert.equal(guest.read(0), "there");
    assert.deepEqual(await poll(), [101]);
    assert.deepEqual(await poll(), [101]);
    assert.equal(asked.length, 1, "one read for all polls");
    give("late");
    assert.deepEqual(await poll(), [100, 101]);
    assert.equal(guest.read(0), "late");
  }
});

Deno.test("a read of standard input that is not to block answers EAGAIN while nothing is there", async () => {
  const { stdin, give } = stream();
  using guest = new Guest({ stdin });
  assert.equal(guest.call("fd_fdstat_set_flags", 0, FdFlag.nonblock), "SUCCESS");
  const vectors = guest.vectors({ at: 0x9000, length: 10 });
  const read = () => guest.wait("fd_read", 0, vectors.at, 1, guest.result);
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

Deno.test("arguments and environment: none, empty ones, non-ASCII ones, many", () => {
  for (
    const args of [
      [],
      [""],
      ["program", "", "👋 é", "a=b"],
      Array.from({ length: 500 }, (_, i) => `${i}`),
    ]
  ) {
    const env = Object.fromEntries(args.map((text, index) => [`NAME_${index}`, text]));
    using guest = new Guest({ args, env });
    const strings = (sizes: "args_sizes_get" | "environ_sizes_get", get: "args_get" | "environ_get") => {
      assert.equal(guest.call(sizes, 0x8000, 0x8004), "SUCCESS");
      const [count, bytes] = [guest.u32(0x8000), guest.u32(0x8004)];
      assert.equal(guest.call(get, 0x9000, 0xa000), "SUCCESS");
      const whole = guest.text(0xa000, bytes);
      assert.equal(whole.split("\0").length - 1, count);
      return Array.from({ length: count }, (_, index) => {
        const start = guest.u32(0x9000 + index * 4);
        return guest.text(start, guest.bytes.indexOf(0, start) - start);
      });
    };
    assert.deepEqual(strings("args_sizes_get", "args_get"), args);
    assert.deepEqual(
      strings("environ_sizes_get", "environ_get"),
      Object.entries(env).map(([name, value]) => `${name}=${value}`),
    );
  }
});

Deno.test("a variable may be bytes that are no text", () => {
  using guest = new Guest({ env: { RAW: Uint8Array.of(0x61, 0xff), EMPTY: new Uint8Array(0) } });
  assert.equal(guest.call("environ_get", 0x9000, 0xa000), "SUCCESS");
  const written = guest.bytes.slice(0xa000, 0xa000 + 14);
  assert.equal(String.fromCharCode(...written), "RAW=a\xff\0EMPTY=\0");
});

Deno.test("the clocks go on, have a resolution, and others do not exist", () => {
  using guest = new Guest();
  for (const id of [0, 1, 2, 3]) {
    assert.equal(guest.call("clock_res_get", id, guest.result), "SUCCESS");
    assert.ok(guest.u64() > 0n);
    assert.equal(guest.call("clock_time_get", id, 1n, guest.result), "SUCCESS");
    const first = guest.u64();
    assert.equal(guest.call("clock_time_get", id, 1n, guest.result), "SUCCESS");
    assert.ok(guest.u64() >= first);
  }
  for (const id of [4, -1]) {
    assert.equal(guest.call("clock_res_get", id, guest.result), "EINVAL");
    assert.equal(guest.call("clock_time_get", id, 0n, guest.result), "EINVAL");
  }
});

Deno.test("random_get fills any length in pieces that the system gives, and only that", () => {
  const pieces: number[] = [];
  using guest = new Guest({
    random(bytes) {
      pieces.push(bytes.length);
      bytes.fill(7);
    },
  });
  guest.memory.grow(3);
  assert.equal(guest.call("random_get", 100, 200_000), "SUCCESS");
  assert.deepEqual(pieces, [65_536, 65_536, 65_536, 200_000 - 3 * 65_536]);
  assert.deepEqual([guest.bytes[99], guest.bytes[100], guest.bytes[200_099], guest.bytes[200_100]], [
    0,
    7,
    7,
    0,
  ]);
  assert.equal(guest.call("random_get", 100, 0), "SUCCESS");
  using real = new Guest();
  assert.equal(real.call("random_get", 0x9000, 0x2000), "SUCCESS");
  assert.ok(new Set(real.bytes.slice(0x9000, 0xb000)).size > 200);
});

Deno.test("proc_exit ends the guest with its code, signals are not supported, yielding is", () => {
  using guest = new Guest();
  for (const [code, told] of [[0, 0], [3, 3], [-1, 0xffffffff]] as const) {
    assert.throws(
      () => guest.call("proc_exit", code),
      (thrown: unknown) => thrown instanceof GuestExit && thrown.code === told,
    );
  }
  assert.equal(guest.call("proc_raise", 6), "ENOTSUP");
  assert.equal(guest.call("sched_yield"), "SUCCESS");
});

Deno.test("wasi_unstable has what is a mere alias, and leaves out what has another layout", () => {
  using guest = new Guest();
  const unstable = guest.wasi.unstableImports;
  assert.equal(unstable.fd_write, guest.wasi.imports.fd_write);
  for (const name of ["fd_filestat_get", "fd_seek", "path_filestat_get", "poll_oneoff"]) {
    assert.equal(unstable[name], undefined, name);
  }
});
