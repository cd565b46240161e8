import assert from "node:assert/strict";
import { compare, jcoTest } from "./compare.ts";

jcoTest("canonical ABI: random types, values and images of values are those of jco", async () => {
  const numbers = { components: 2, typesEach: 8, valuesEach: 16 };
  const { values, differences } = await compare({ seed: 1, ...numbers });
  assert.deepEqual(differences, []);
  assert.equal(values, 256);
});
