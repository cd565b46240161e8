import assert from "node:assert/strict";
import { compare, jcoTest } from "../component/jco/compare.ts";
import { jcoFaults } from "../component/jco/jco_faults.ts";

jcoTest("canonical ABI: 10,000 random values and images of them are those of jco", async () => {
  const numbers = { components: 25, typesEach: 8, valuesEach: 50 };
  const { values, faults, differences } = await compare({ seed: 2, ...numbers });
  assert.deepEqual(differences, []);
  assert.equal(values, 10_000);
  // A fault that is not met any more is removed from the list.
  assert.deepEqual([...faults].sort(), jcoFaults.map(({ rule }) => rule).sort());
});
