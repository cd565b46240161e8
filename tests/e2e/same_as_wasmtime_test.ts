import { programTest } from "../testing/system_program.ts";
import { assertSame } from "./wasmtime/assert_same.ts";

/** `scripts/install_wasmtime.sh` installs wasmtime. */
await programTest(
  "wasmtime",
  "component: 60 requests have the responses of wasmtime serve",
  () => assertSame({ seed: 1, count: 60 }),
);
