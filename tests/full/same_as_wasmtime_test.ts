import { assertSame } from "../e2e/wasmtime/assert_same.ts";
import { isInstalled } from "../testing/is_installed.ts";

const isFull = Deno.env.get("CAPSULE_TEST_FULL") !== undefined;

for (const wasi of ["0.2", "0.3"] as const) {
  Deno.test({
    name: `component of WASI ${wasi}: 500 requests have the responses of wasmtime serve`,
    ignore: !isFull || !await isInstalled("wasmtime"),
    fn: () => assertSame({ wasi, seed: 2, count: 500 }),
  });
}
