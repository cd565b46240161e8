import assert from "node:assert/strict";
import fc from "fast-check";
import { kernels } from "./kernels.ts";
import { farm, Ground, openAll } from "./link_farm.ts";
import { race } from "./race.ts";

/** Ten paths are opened in each farm. */
const farms = Deno.env.get("CAPSULE_TEST_FULL") ? 1_000 : 100;

const [openat2, ...others] = kernels.map(({ name, make }) => ({ name, kernel: make() }));

for (const { name, kernel } of others) {
  Deno.test(`paths through farms of links lead where openat2 says: ${name}`, () => {
    using ground = new Ground();
    fc.assert(
      fc.property(farm, (farm) => {
        if (openat2) assert.deepEqual(openAll(kernel, ground, farm), openAll(openat2.kernel, ground, farm));
      }),
      { numRuns: farms },
    );
  });
}

Deno.test("no path through a farm of links opens or makes anything outside", () => {
  using ground = new Ground();
  fc.assert(
    fc.property(farm, (farm) => {
      if (!openat2) return;
      const seen = openAll(openat2.kernel, ground, farm);
      for (const line of seen.slice(0, farm.opens.length)) {
        assert.match(line, /: (\.\/inside(\/.*)?|E[A-Z]+)$/);
      }
      const outside = seen.slice(farm.opens.length).filter((path) => !/^\.\/inside(\/|$)/.test(path));
      assert.deepEqual(outside, [".", "./a", "./b", "./outside", "./outside/a", "./outside/b"]);
    }),
    { numRuns: farms },
  );
});

// By path there is a moment between a look and the use of a name, as its description says.
for (const { name, make } of kernels.filter(({ name }) => name !== "by path")) {
  Deno.test(`a folder that another process swaps for a link never leads out: ${name}`, async () => {
    await race(make(), (passed, refused) => passed > 200 && refused > 200 && passed + refused > 3_000);
  });
}
