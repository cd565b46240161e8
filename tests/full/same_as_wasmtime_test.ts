import { assertSame } from "../e2e/wasmtime/assert_same.ts";
import { isInstalled } from "../testing/is_installed.ts";

const isFull = Deno.env.get("CAPSULE_TEST_FULL") !== undefined;

Deno.test({
  name: "component: 500 requests have the responses of wasmtime serve",
  ignore: !isFull || !await isInstalled("wasmtime"),
  fn: () => assertSame({ seed: 2, count: 500 }),
});
