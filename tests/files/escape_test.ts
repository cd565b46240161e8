import { backends } from "./backends.ts";
import { compareFarms } from "./link_farm.ts";
import { race } from "./race.ts";

Deno.test({
  name:
    "paths through 100 farms of links lead where openat2 says, by every way to files, and never outside",
  ignore: Deno.build.os !== "linux",
  fn: () => compareFarms(100),
});

// By path there is a moment between a look and the use of a name, as its description says.
for (const { name, make } of backends.filter(({ name }) => name !== "by path")) {
  Deno.test(`a folder that another process swaps for a link never leads out: ${name}`, async () => {
    await race(
      make(),
      (passed, refused) => passed > 200 && refused > 200 && passed + refused > 3_000,
    );
  });
}
