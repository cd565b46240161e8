import { compareFarms } from "../files/link_farm.ts";

Deno.test({
  name:
    "paths through 10,000 farms of links lead where openat2 says, by every way to files, and never outside",
  ignore: Deno.build.os !== "linux",
  fn: () => compareFarms(10_000),
});
