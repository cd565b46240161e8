import assert from "node:assert/strict";
import { RerunHistory } from "../../src/function/rerun_history.ts";
import { quietGuest } from "../testing/quiet_guest.ts";

const explain = (error: unknown) => error;

/** A call that exceeds its slice. */
function slow(history: RerunHistory): void {
  const guest = quietGuest({ sliceMs: 0.001, timeoutMs: 0 });
  guest.begin(false);
  const run = () => {
    while (!guest.rerunReason) guest.step();
    return { value: 1 };
  };
  assert.equal(history.attempt(guest, run, explain), undefined);
}

function quick(history: RerunHistory): void {
  const guest = quietGuest();
  guest.begin(false);
  assert.deepEqual(history.attempt(guest, () => ({ value: 1 }), explain), { value: 1 });
}

Deno.test("rerun history: a call with a side effect makes the next ones awaitable", () => {
  const history = new RerunHistory(false);
  const guest = quietGuest();
  guest.begin(false);
  const made = history.attempt(guest, () => guest.beforeSideEffect() as never, explain);
  assert.equal(made, undefined);
  assert.equal(history.isAwaitable, true);
});

Deno.test("rerun history: three slow calls in a row make the next ones awaitable, one does not", () => {
  const history = new RerunHistory(false);
  slow(history);
  slow(history);
  assert.equal(history.isAwaitable, false);
  slow(history);
  assert.equal(history.isAwaitable, true);
});

Deno.test("rerun history: quick calls make up for slow ones", () => {
  const history = new RerunHistory(false);
  for (let round = 0; round < 10; round++) {
    slow(history);
    for (let left = 64; left > 0; left--) quick(history);
  }
  assert.equal(history.isAwaitable, false);
});

Deno.test("rerun history: throws the explained error of the guest", () => {
  const history = new RerunHistory(false);
  const guest = quietGuest();
  guest.begin(false);
  const run = () => {
    throw new WebAssembly.RuntimeError("unreachable");
  };
  assert.throws(() => history.attempt(guest, run, () => new Error("explained")), /explained/);
  assert.equal(history.isAwaitable, false);
});
