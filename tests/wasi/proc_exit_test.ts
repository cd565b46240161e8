import assert from "node:assert/strict";
import { runCapsule } from "../testing/capsule.ts";
import { serveModule } from "../testing/function.ts";
import { inFolder } from "../testing/temporary_folder.ts";
import { compileWat } from "../prepare/modules.ts";

/** Ways to catch everything, around the call of a function that ends the program. */
const catchers = {
  "the legacy catch_all": "(try (do (call $end)) (catch_all))",
  "catch_all": "(block $b (try_table (catch_all $b) (call $end)))",
  "a catch_all that throws again": `(try (do
    (try (do (call $end)) (catch_all (rethrow 0)))) (catch_all))`,
  "catch_all_ref":
    "(block $b (result exnref) (try_table (catch_all_ref $b) (call $end)) (return)) drop",
};

const imports = `
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (func $end (call $exit (i32.const 7)) (unreachable))`;

for (const [catcher, code] of Object.entries(catchers)) {
  Deno.test(`proc_exit: ends a program under ${catcher}`, () =>
    inFolder(async (folder) => {
      const text = `(module ${imports} (func (export "_start") ${code} (unreachable)))`;
      await Deno.writeFile(`${folder}/guest.wasm`, compileWat(text));
      for (const flags of [[], ["-timeout=1m"]]) {
        const run = await runCapsule(["-mode=cli", ...flags, `-wasm=${folder}/guest.wasm`]);
        assert.deepEqual([run.code, run.stdout, run.stderr], [7, "", ""], flags.join(" "));
      }
    }));
}

Deno.test("proc_exit: ends a call of a function that catches everything", async () => {
  const text = `(module ${imports}
    (data (i32.const 16) "[BODY]ok[HEADERS]")
    (func (export "allocateBuffer") (param i32) (result i32) (i32.const 1024))
    (func $caught ${catchers["the legacy catch_all"]})
    (func (export "callHandleHttp") (param i32 i32 i32 i32) (result i64)
      (if (local.get 1) (then (call $caught)))
      (i64.const 0x1000000011)))`;
  await using served = await serveModule(compileWat(text));
  for (let call = 0; call < 3; call++) {
    assert.match(await served.post("exit"), /ended itself with exit code 7/);
    assert.equal(await served.post(""), "ok");
  }
});
