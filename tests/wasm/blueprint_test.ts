import assert from "node:assert/strict";
import { nextStartMode, noStarts, type StartOutcome } from "../../src/wasm/blueprint.ts";

function modeAfter(...outcomes: StartOutcome[]): string {
  return outcomes.reduce(nextStartMode, noStarts().mode).kind;
}

Deno.test("nextStartMode: stays synchronous until three slow starts in a row", () => {
  assert.equal(modeAfter(), "synchronous");
  assert.equal(modeAfter("slow", "slow"), "synchronous");
  assert.equal(modeAfter("slow", "slow", "returned", "slow", "slow"), "synchronous");
  assert.equal(modeAfter("slow", "slow", "slow"), "awaitable");
});

Deno.test("nextStartMode: becomes awaitable for good when a start must wait", () => {
  assert.equal(modeAfter("must wait"), "awaitable");
  assert.equal(modeAfter("must wait", "returned"), "awaitable");
});

Deno.test("nextStartMode: allocates nothing for a start that returns", () => {
  const { mode } = noStarts();
  assert.equal(nextStartMode(mode, "returned"), mode);
});
