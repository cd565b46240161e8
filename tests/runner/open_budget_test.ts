import assert from "node:assert/strict";
import { machineMemory, openBudget } from "../../src/runner/open_budget.ts";

Deno.test("openBudget: divides the total between threads; by default half of the machine's", () => {
  const limitOf = (maxBytes: number | undefined, threads: number) =>
    openBudget({ totalMemory: { maxBytes, threads } })?.limitBytes;
  assert.equal(limitOf(10, 3), 3);
  assert.equal(limitOf(undefined, 2), Math.floor(machineMemory() / 4));
  assert.equal(openBudget({}), undefined);
});
