import assert from "node:assert/strict";
import { compileWat } from "../prepare/modules.ts";
import { startCapsule } from "../testing/capsule.ts";
import { inFolder } from "../testing/temporary_folder.ts";
import { buildText, componentTest } from "../testing/wasm_tools.ts";

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

Deno.test("heap: a guest that fills V8's heap is stopped, and the server continues", () =>
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

/** A guest that keeps all arrays of `length` that it makes, if called with a body. */
const keepsArrays = (length: number) =>
  `(module
  (type $bytes (array (mut i64)))
  (type $node (struct (field (ref null $node)) (field (ref $bytes))))
  (memory (export "memory") 1)
  (data (i32.const 16) "[BODY]ok[HEADERS]")
  (func (export "allocateBuffer") (param i32) (result i32) (i32.const 1024))
  (func (export "callHandleHttp") (param i32 i32 i32 i32) (result i64)
    (local $last (ref null $node))
    (loop $next
      (if (local.get 1) (then
        (local.set $last (struct.new $node (local.get $last)
          (array.new_default $bytes (i32.const ${length}))))
        (br $next))))
    (i64.const 0x1000000011)))`;

for (const [length, code] of [[2 ** 24, "MEMORY"], [100_000_000, "TRAP"]] as const) {
  componentTest(
    `heap: a guest that keeps arrays of ${length} elements ends with ${code}`,
    () =>
      inFolder(async (folder) => {
        Deno.writeFileSync(`${folder}/arrays.wasm`, await buildText(keepsArrays(length)));
        await using server = await startCapsule(["-mode=http", `-wasm=${folder}/arrays.wasm`], {
          env: { DENO_V8_FLAGS: "--max-old-space-size=700" },
        });
        for (let call = 0; call < 3; call++) {
          const response = await fetch(server.url, { method: "POST", body: "x" });
          assert.equal((await response.json()).code, code);
          assert.equal(await (await fetch(server.url)).text(), "ok");
        }
      }),
  );
}
