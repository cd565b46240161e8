import assert from "node:assert/strict";
import fc from "fast-check";
import {
  backoffMs,
  type InstanceEvent,
  type InstanceLife,
  isStarting,
  next,
  processOf,
} from "../../../src/worker/run/instance_state.ts";
import { MemoryFunction } from "./memory_runner.ts";

const delays = { firstMs: 100, longestMs: 30_000, forgetMs: 30_000 };
const fresh: InstanceLife = { state: { kind: "starting" }, restarts: 0, failures: 0 };
const process = new MemoryFunction(1, {
  function: "hello",
  revision: "blue",
  module: "hello.wasm",
  variables: {},
  local: false,
  onLine: () => {},
});
const after = (events: readonly InstanceEvent[], life = fresh) =>
  events.reduce((before, event) => next(before, event, delays), life);
const started = (nowMs = 0): InstanceEvent => ({ kind: "started", process, nowMs });
const failed = (nowMs = 0): InstanceEvent => ({ kind: "failed", reason: "it crashed", nowMs });

Deno.test("backoffMs: doubles from the first delay up to the longest", () => {
  assert.deepEqual([1, 2, 3, 9, 10, 1000].map((failures) => backoffMs(failures, delays)), [
    ...[100, 200, 400],
    ...[25_600, 30_000, 30_000],
  ]);
});

const kinds: [name: string, events: InstanceEvent[], kind: string][] = [
  ["a start that succeeds", [started()], "running"],
  ["a start that fails", [failed()], "backingOff"],
  ["the end of a backoff", [failed(), { kind: "due" }], "starting"],
  ["a process without requests", [started(), { kind: "idle" }], "asleep"],
  ["a request while it sleeps", [started(), { kind: "idle" }, { kind: "requested" }], "waking"],
  ["a request while it runs", [started(), { kind: "requested" }], "running"],
  ["a request during a backoff", [failed(), { kind: "requested" }], "backingOff"],
  ["the end of a process", [started(), failed()], "backingOff"],
  ["a stop", [started(), { kind: "stop" }], "stopping"],
];
for (const [name, events, kind] of kinds) {
  Deno.test(`next: ${name} leads to ${kind}`, () => {
    assert.equal(after(events).state.kind, kind);
  });
}

Deno.test("next: a process that ran for forgetMs has no earlier failures", () => {
  const failedTwice = after([failed(), { kind: "due" }, failed(), { kind: "due" }]);
  assert.equal(failedTwice.failures, 2);
  const { failures: soon } = after([started(0), failed(delays.forgetMs - 1)], failedTwice);
  const { failures: late } = after([started(0), failed(delays.forgetMs)], failedTwice);
  assert.deepEqual([soon, late], [3, 1]);
});

Deno.test("next: while stopping, a held request may start one more process", () => {
  const asleep = after([started(), { kind: "idle" }, { kind: "stop" }]);
  assert.equal(isStarting(asleep.state), false);
  const woken = after([{ kind: "requested" }], asleep);
  assert.equal(isStarting(woken.state), true);
  assert.equal(processOf(after([started()], woken).state), process);
});

const event = fc.oneof(
  fc.nat(1e6).map(started),
  fc.nat(1e6).map(failed),
  fc.constantFrom<InstanceEvent>(
    { kind: "idle" },
    { kind: "requested" },
    { kind: "due" },
    { kind: "stop" },
  ),
);

Deno.test("next: holds its invariants after any events", () => {
  fc.assert(fc.property(fc.array(event, { maxLength: 40 }), (events) => {
    let life = fresh;
    for (const each of events) {
      const before = life;
      life = next(before, each, delays);
      const { state } = life;
      if (before.state.kind === "stopping") assert.equal(state.kind, "stopping", "it is final");
      if (each.kind === "stop") assert.equal(state.kind, "stopping");
      if (isStarting(state)) assert.equal(processOf(state), undefined, "one process at a time");
      if (processOf(state) && !processOf(before.state)) assert.equal(each.kind, "started");
      assert.ok(!processOf(before.state) || each.kind !== "started" || life === before);
      assert.equal(
        life.restarts - before.restarts,
        Number(state.kind === "backingOff" && life !== before),
      );
      if (state.kind === "backingOff") {
        assert.ok(state.delayMs >= delays.firstMs && state.delayMs <= delays.longestMs);
        assert.equal(state.delayMs, backoffMs(life.failures, delays));
      }
    }
  }));
});
