import { compareFarms } from "../files/link_farm.ts";

Deno.test({
  name: "link farms: in 10,000 farms every backend leads where openat2 leads, never outside",
  ignore: Deno.build.os !== "linux",
  fn: () => compareFarms(10_000),
});
