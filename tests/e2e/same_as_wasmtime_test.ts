import { programTest } from "../testing/system_program.ts";
import { assertSame } from "./wasmtime/assert_same.ts";

/** `scripts/install_wasmtime.sh` installs wasmtime. */
for (const wasi of ["0.2", "0.3"] as const) {
  await programTest(
    "wasmtime",
    `component of WASI ${wasi}: 60 requests have the responses of wasmtime serve`,
    () => assertSame({ wasi, seed: 1, count: 60 }),
  );
}
