import assert from "node:assert/strict";
import { Errno } from "../../src/wasi/preview1.ts";
import { Guest } from "./guest.ts";
import { stream } from "./standard_input.ts";

const clock = (nanoseconds: bigint) => ({
  realtimeNs: () => 1_700_000_000n * 1_000_000_000n + nanoseconds,
  monotonicNs: () => nanoseconds,
});

/** Puts a list of subscriptions to clocks and descriptors. */
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

/** Returns the events at 0x9000: user data, error, type, bytes, flags. */
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

Deno.test("poll_oneoff: an expired clock is reported immediately, relative and absolute", () => {
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

Deno.test("poll_oneoff: waits for the next clock event, relative and absolute", async () => {
  using guest = new Guest();
  for (const id of [0, 1]) {
    assert.equal(guest.call("clock_time_get", id, 0n, guest.result), "SUCCESS");
    const now = guest.u64();
    const ms = 1_000_000n;
    const far = { clock: id, timeout: 3_600_000n * ms };
    for (
      const near of [{ clock: id, timeout: 2n * ms }, {
        clock: id,
        timeout: now + 4n * ms,
        flags: 1,
      }]
    ) {
      const at = subscriptions(guest, far, near);
      assert.equal(await guest.wait("poll_oneoff", at, 0x9000, 2, guest.result), "SUCCESS");
      assert.deepEqual(events(guest), [[101, 0, 0, 0, 0]]);
      assert.equal(guest.call("clock_time_get", id, 0n, guest.result), "SUCCESS");
      assert.ok(guest.u64() >= now + 2n * ms, "it expired early");
    }
  }
});

Deno.test("poll_oneoff: files and outputs are ready; an error is reported in its event", () => {
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

Deno.test("poll_oneoff: waits for standard input, reports its bytes, and hangs up at its end", async () => {
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

Deno.test("poll_oneoff: a clock expires while standard input is empty; a reset clears the timer", async () => {
  const { stdin, give, asked } = stream();
  using guest = new Guest({ stdin });
  const at = subscriptions(guest, { fd: 0, type: 1 }, { clock: 1, timeout: 1_000_000n });
  assert.equal(await guest.wait("poll_oneoff", at, 0x9000, 2, guest.result), "SUCCESS");
  assert.deepEqual(events(guest), [[101, 0, 0, 0, 0]]);
  assert.equal(asked.length, 1);
  // The pending read serves the next fd_read.
  const iovs = guest.iovs({ at: 0x9000, length: 10 });
  const read = guest.wait("fd_read", 0, iovs.at, 1, guest.result);
  give("late");
  assert.equal(await read, "SUCCESS");
  assert.equal(guest.text(0x9000, guest.u32()), "late");
  // A leaked timer would fail the sanitizers.
  const endless = subscriptions(guest, { clock: 1, timeout: 0xffffffffffffffffn });
  void guest.wait("poll_oneoff", endless, 0x9000, 1, guest.result);
  guest.wasi.reset();
});

Deno.test("poll_oneoff: without waiting it still notices present and later input", async () => {
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
    assert.deepEqual(await first, [100, 101], "input that is there");
    assert.equal(guest.read(0), "there");
    assert.deepEqual(await poll(), [101]);
    assert.deepEqual(await poll(), [101]);
    assert.equal(asked.length, 1, "one read for all polls");
    give("late");
    assert.deepEqual(await poll(), [100, 101]);
    assert.equal(guest.read(0), "late");
  }
});

Deno.test("poll_oneoff: takes 4,096 subscriptions, and EINVAL for more", () => {
  using guest = new Guest();
  guest.memory.grow(10);
  assert.equal(guest.call("poll_oneoff", 0x9000, 0x9000, 4_096, 16), "SUCCESS");
  assert.equal(guest.u32(16), 4_096);
  assert.equal(guest.call("poll_oneoff", 0x9000, 0x9000, 4_097, 16), "EINVAL");
});

Deno.test("poll_oneoff: events may be written over the subscriptions", () => {
  using guest = new Guest();
  const at = subscriptions(
    guest,
    { clock: 1, timeout: 0n },
    { fd: 1, type: 2 },
    { fd: 2, type: 2 },
    { clock: 1, timeout: 0n },
  );
  const end = at + 4 * 48;
  assert.equal(guest.call("poll_oneoff", at, at, 4, guest.result), "SUCCESS");
  const userdata = Array.from({ length: guest.u32() }, (_, index) => guest.u64(at + 32 * index));
  assert.deepEqual(userdata, [101n, 102n, 100n, 103n]);
  assert.equal(guest.call("poll_oneoff", end - 48, end - 96, 1, guest.result), "SUCCESS");
});
