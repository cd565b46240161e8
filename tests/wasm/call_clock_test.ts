import assert from "node:assert/strict";
import { CallClock } from "../../src/wasm/call_clock.ts";

Deno.test("CallClock: a call without a time begins at its first clock read", () => {
  const clock = new CallClock({ sliceMs: 10, timeoutMs: 100 });
  clock.begin(undefined);
  assert.deepEqual([clock.beganMs, clock.deadlineMs], [NaN, Infinity]);
  assert.equal(clock.check(5000), "in time");
  assert.deepEqual([clock.beganMs, clock.deadlineMs], [5000, 5100]);
});

Deno.test("CallClock: a call with a time has its deadline from then on, also at time 0", () => {
  const clock = new CallClock({ sliceMs: 10, timeoutMs: 100 });
  clock.begin(0);
  assert.equal(clock.deadlineMs, 100);
  assert.equal(clock.check(99), "in time");
  assert.equal(clock.check(100), "past deadline");
});

Deno.test("CallClock: a slice begins at the first clock read and again after a wait", () => {
  const clock = new CallClock({ sliceMs: 10, timeoutMs: 0 });
  clock.begin(0);
  assert.equal(clock.check(50), "in time");
  assert.equal(clock.check(59), "in time");
  assert.equal(clock.check(60), "slice over");
  clock.endSlice();
  assert.equal(clock.check(90), "in time");
  clock.beginSlice(100);
  assert.equal(clock.check(109), "in time");
  assert.equal(clock.check(110), "slice over");
});

Deno.test("CallClock: a start section has neither slice nor deadline", () => {
  const clock = new CallClock({ sliceMs: 10, timeoutMs: 100 });
  assert.equal(clock.check(1_000_000), "in time");
});

Deno.test("CallClock: the budget aims at eight clock reads per slice", () => {
  const clock = new CallClock({ sliceMs: 8, timeoutMs: 0 });
  clock.begin(0);
  let nowMs = 0;
  // A guest that does 10,000 steps in a millisecond.
  for (let check = 0; check < 50; check++) {
    if (clock.check(nowMs) === "slice over") clock.beginSlice(nowMs);
    nowMs += clock.budget / 10_000;
  }
  assert.ok(clock.budget > 9000 && clock.budget < 11_000, `${clock.budget} steps`);
});

Deno.test("CallClock: a check of the deadline by the host changes neither slice nor budget", () => {
  const clock = new CallClock({ sliceMs: 10, timeoutMs: 100 });
  clock.begin(undefined);
  const { budget } = clock;
  for (let check = 0; check < 50; check++) assert.equal(clock.isPastDeadline(1000), false);
  assert.deepEqual([clock.budget, clock.beganMs], [budget, 1000]);
  assert.equal(clock.isPastDeadline(1100), true);
  assert.equal(clock.check(1050), "in time");
});
