import assert from "node:assert/strict";
import { compileWat } from "../prepare/modules.ts";
import { startCapsule } from "../testing/capsule.ts";
import { inFolder } from "../testing/temporary_folder.ts";

/** A guest that keeps all exceptions it throws, each in the next one, if called with a body. */
const keepsExceptions = `(module
  (memory (export "memory") 1)
  (tag $t (param ${"v128 ".repeat(500)} exnref))
  (data (i32.const 16) "[BODY]ok[HEADERS]")
  (func (export "allocateBuffer") (param i32) (result i32) (i32.const 1024))
  (func (export "callHandleHttp") (param i32 i32 i32 i32) (result i64) (local $last exnref)
    (loop $next
      (br_if $next (i32.const 0))
      (if (local.get 1) (then
        (local.set $last (block $caught (result exnref)
          (try_table (catch_all_ref $caught)
            ${"(v128.const i64x2 1 2) ".repeat(500)} (throw $t (local.get $last)))
          (unreachable)))
        (br $next))))
    (i64.const 0x1000000011)))`;

Deno.test("heap: a guest that fills V8's heap is stopped, and the server goes on", () =>
  inFolder(async (folder) => {
    Deno.writeFileSync(`${folder}/exceptions.wasm`, compileWat(keepsExceptions));
    await using server = await startCapsule(["-mode=http", `-wasm=${folder}/exceptions.wasm`], {
      env: { DENO_V8_FLAGS: "--max-old-space-size=200" },
    });
    for (let call = 0; call < 3; call++) {
      const response = await fetch(server.url, { method: "POST", body: "x" });
      assert.equal((await response.json()).code, "MEMORY");
      assert.equal(response.status, 500);
      assert.equal(await (await fetch(server.url)).text(), "ok");
    }
  }));
