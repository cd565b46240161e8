import { backends } from "../files/backends.ts";
import { race } from "../files/race.ts";

for (const { name, make } of backends.filter(({ name }) => name !== "by path")) {
  Deno.test(`folder race (${name}): for 10 s, a swapped folder never leads out`, async () => {
    const end = performance.now() + 10_000;
    await race(make(), () => performance.now() > end);
  });
}
