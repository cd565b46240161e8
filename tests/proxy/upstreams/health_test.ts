import assert from "node:assert/strict";
import {
  healthy,
  isUsable,
  onAbandoned,
  onAnswer,
  onFailure,
  onSend,
} from "../../../src/proxy/upstreams/health.ts";

Deno.test("health: ejected after maxFails, tried by one request, healthy after a response", () => {
  const rules = { maxFails: 2, failTimeoutMs: 100 };
  const once = onFailure(healthy, 0, rules);
  assert.ok(isUsable(once, 0));
  assert.deepEqual(onAnswer(once), healthy);
  const out = onFailure(once, 10, rules);
  assert.deepEqual([isUsable(out, 109), isUsable(out, 110)], [false, true]);
  const probing = onSend(out);
  assert.equal(isUsable(probing, 200), false);
  assert.ok(isUsable(onAbandoned(probing), 200));
  assert.deepEqual(onAnswer(probing), healthy);
  assert.equal(isUsable(onFailure(probing, 200, rules), 299), false);
  assert.ok(isUsable(onFailure(healthy, 0, { ...rules, maxFails: 0 }), 0));
  assert.equal(isUsable({ ...healthy, passesChecks: false }, 0), false);
});
