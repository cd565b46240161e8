import assert from "node:assert/strict";
import { GuestExit } from "../../src/wasi/wasi.ts";
import { Guest } from "./guest.ts";

Deno.test("args and environ: none, empty ones, non-ASCII ones, many", () => {
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
    const strings = (
      sizes: "args_sizes_get" | "environ_sizes_get",
      get: "args_get" | "environ_get",
    ) => {
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

Deno.test("environ_get: a value may be bytes that are not UTF-8", () => {
  using guest = new Guest({ env: { RAW: Uint8Array.of(0x61, 0xff), EMPTY: new Uint8Array(0) } });
  assert.equal(guest.call("environ_get", 0x9000, 0xa000), "SUCCESS");
  const written = guest.bytes.slice(0xa000, 0xa000 + 14);
  assert.equal(String.fromCharCode(...written), "RAW=a\xff\0EMPTY=\0");
});

Deno.test("clock_time_get: four clocks that never decrease; others are EINVAL", () => {
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

Deno.test("random_get: fills exactly the buffer, in chunks of 64 KiB", () => {
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
  assert.deepEqual(
    [guest.bytes[99], guest.bytes[100], guest.bytes[200_099], guest.bytes[200_100]],
    [
      0,
      7,
      7,
      0,
    ],
  );
  assert.equal(guest.call("random_get", 100, 0), "SUCCESS");
  using real = new Guest();
  assert.equal(real.call("random_get", 0x9000, 0x2000), "SUCCESS");
  assert.ok(new Set(real.bytes.slice(0x9000, 0xb000)).size > 200);
});

Deno.test("random_get: pooled bytes are used once, and only inside the buffer", () => {
  using first = new Guest();
  using second = new Guest();
  const given = new Set<string>();
  let asked = 0;
  // Together they use up the pool several times.
  for (let length = 8; length <= 64; length++) {
    for (const guest of [first, second, first, second]) {
      guest.bytes.fill(0, 0x8fff, 0x9000 + 65);
      assert.equal(guest.call("random_get", 0x9000, length), "SUCCESS");
      assert.deepEqual([guest.bytes[0x8fff], guest.bytes[0x9000 + length]], [0, 0]);
      for (let at = 0; at + 8 <= length; at += 8, asked++) {
        given.add(guest.bytes.slice(0x9000 + at, 0x9008 + at).join());
      }
    }
  }
  assert.equal(given.size, asked);
});

Deno.test("proc_exit: throws the exit code; proc_raise is ENOTSUP, sched_yield succeeds", () => {
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
