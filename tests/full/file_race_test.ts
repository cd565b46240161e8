import { backends } from "../files/backends.ts";
import { race } from "../files/race.ts";

for (const { name, make } of backends.filter(({ name }) => name !== "by path")) {
  Deno.test(`for 10 s, a folder that another process swaps for a link never leads out: ${name}`, async () => {
    const end = performance.now() + 10_000;
    await race(make(), () => performance.now() > end);
  });
}
