import assert from "node:assert/strict";
import { CapsuleError } from "../../src/base/errors.ts";
import {
  awaitable,
  type CallEvent,
  type CallState,
  nextState,
  tentative,
} from "../../src/wasm/call_state.ts";

const interrupt = () => {};
const reason = new CapsuleError("GONE", "stopped");
const waiting: CallState = { kind: "waiting", interrupt };
const stopped: CallState = { kind: "stopped", reason };
const slow: CallState = { kind: "rerun", reason: "slow" };
const seen: CallState = { kind: "rerun", reason: "side effect" };

const events: Record<string, CallEvent> = {
  "side effect": { kind: "side effect" },
  slow: { kind: "slow" },
  wait: { kind: "wait", interrupt },
  settled: { kind: "settled" },
  stop: { kind: "stop", reason },
};

const table: [from: string, state: CallState, to: Record<string, CallState>][] = [
  ["tentative", tentative, {
    "side effect": seen,
    slow,
    wait: waiting,
    settled: tentative,
    stop: stopped,
  }],
  ["awaitable", awaitable, {
    "side effect": awaitable,
    slow: awaitable,
    wait: waiting,
    settled: awaitable,
    stop: stopped,
  }],
  ["waiting", waiting, {
    "side effect": waiting,
    slow: waiting,
    wait: waiting,
    settled: awaitable,
    stop: stopped,
  }],
  ["rerun", slow, { "side effect": slow, slow, wait: slow, settled: slow, stop: slow }],
  ["stopped", stopped, {
    "side effect": stopped,
    slow: stopped,
    wait: stopped,
    settled: stopped,
    stop: stopped,
  }],
];

for (const [from, state, to] of table) {
  Deno.test(`nextState: every event in state ${from}`, () => {
    for (const [name, event] of Object.entries(events)) {
      assert.deepEqual(nextState(state, event), to[name], name);
    }
  });
}

Deno.test("nextState: allocates nothing for a call that does not wait", () => {
  assert.equal(nextState(tentative, { kind: "slow" }), nextState(tentative, { kind: "slow" }));
  assert.equal(nextState(awaitable, { kind: "slow" }), awaitable);
});
