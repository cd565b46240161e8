import { backends } from "./backends.ts";
import { compareFarms } from "./link_farm.ts";
import { race } from "./race.ts";

Deno.test({
  name: "link farms: in 100 farms every backend leads where openat2 leads, never outside",
  ignore: Deno.build.os !== "linux",
  fn: () => compareFarms(100),
});

// The path backend has a documented race.
for (const { name, make } of backends.filter(({ name }) => name !== "by path")) {
  Deno.test(`folder race (${name}): a swapped folder never leads out`, async () => {
    await race(
      make(),
      (passed, refused) => passed > 200 && refused > 200 && passed + refused > 3_000,
    );
  });
}
