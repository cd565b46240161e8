import assert from "node:assert/strict";
import { randomInterface } from "../../src/wasi/p2/random.ts";
import type { P2State } from "../../src/wasi/p2/state.ts";
import { Guest } from "./guest.ts";

const length = 16 << 20;

Deno.test("random_get: stops at the deadline, however many bytes are left", () => {
  let filled = 0;
  using guest = new Guest({
    random: (bytes) => void (filled += bytes.length),
    assertInTime: () => {
      throw new Error("late");
    },
  });
  guest.memory.grow(length >> 16);
  assert.throws(() => guest.call("random_get", 0, length), { message: "late" });
  assert.ok(filled < length, `${filled} bytes`);
});

Deno.test("get-random-bytes: stops at the deadline, however many bytes are left", () => {
  let filled = 0;
  const state: Pick<P2State, "random" | "assertInTime"> = {
    random: (bytes) => void (filled += bytes.length),
    assertInTime: () => {
      if (filled > 0) throw new Error("late");
    },
  };
  const { functions } = randomInterface(state as P2State);
  const get = functions["get-random-bytes"] as (length: bigint) => unknown;
  assert.throws(() => get(BigInt(length)), { message: "late" });
  assert.ok(filled < length, `${filled} bytes`);
});
