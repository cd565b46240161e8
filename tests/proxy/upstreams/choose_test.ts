import assert from "node:assert/strict";
import { balances, type Candidate, choose } from "../../../src/proxy/upstreams/choose.ts";

const of = (...weights: number[]): Candidate[] =>
  weights.map((weight, index) => ({ weight, running: 0, id: `http://host-${index}` }));

Deno.test("choose: random takes the candidate in whose share the number lies", () => {
  const candidates = of(3, 1);
  const taken = [0, 0.74, 0.75, 0.999].map((random) =>
    choose(candidates, "random", { random, turn: 0, key: "" })
  );
  assert.deepEqual(taken, [0, 0, 1, 1]);
});

Deno.test("choose: round-robin has the exact share of each, evenly spread", () => {
  const turns = (candidates: Candidate[], count: number) =>
    Array.from(
      { length: count },
      (_, turn) => choose(candidates, "round-robin", { random: 0, turn, key: "" }),
    );
  assert.deepEqual(turns(of(1, 1, 1), 4), [0, 1, 2, 0]);
  const canary = turns(of(90, 10), 100);
  assert.equal(canary.filter((each) => each === 1).length, 10);
  assert.ok(!canary.join("").includes("11"));
});

Deno.test("choose: least-connections takes the least loaded for its weight", () => {
  const candidates = [{ weight: 1, running: 2, id: "a" }, { weight: 4, running: 4, id: "b" }, {
    weight: 1,
    running: 1,
    id: "c",
  }];
  const at = (random: number) =>
    choose(candidates, "least-connections", { random, turn: 0, key: "" });
  assert.deepEqual([at(0), at(0.9)], [1, 2]);
});

Deno.test("choose: hash keeps a key in place, moves only keys of what left, follows the weights", () => {
  const keys = Array.from({ length: 4000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
  const place = (candidates: Candidate[], key: string) =>
    candidates[choose(candidates, "hash", { random: 0, turn: 0, key })]?.id;
  const all = of(1, 1, 2);
  const left = all.slice(0, 2);
  const counts = new Map<string | undefined, number>();
  for (const key of keys) {
    const before = place(all, key);
    counts.set(before, (counts.get(before) ?? 0) + 1);
    assert.equal(place([...all].reverse(), key), before);
    if (before !== "http://host-2") assert.equal(place(left, key), before);
  }
  const half = counts.get("http://host-2") ?? 0;
  assert.ok(half > 1850 && half < 2150, String(half));
});

Deno.test("choose: a single candidate is always taken", () => {
  for (const balance of balances) {
    assert.equal(choose(of(1), balance, { random: 0.9, turn: 5, key: "k" }), 0);
  }
});
