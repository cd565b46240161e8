import assert from "node:assert/strict";
import fc from "fast-check";
import { compileWat } from "../prepare/modules.ts";
import { serveModule } from "../testing/function.ts";

/**
 * A guest that reads offsets of its memory and then writes to them. Its body is a list of offsets
 * (32 bits each), its result one digit for each, `0` for a zero byte. Of every three offsets it
 * writes to the first, lets `random_get` write to the second, and leaves the third.
 */
const guest = `(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 8 9)
  (data (i32.const 66000) "[BODY]")
  (func (export "allocateBuffer") (param $size i32) (result i32) (i32.const 65536))
  (func (export "callHandleHttp") (param $at i32) (param $length i32) (param i32 i32) (result i64)
    (local $n i32) (local $place i32)
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $n) (i32.shr_u (local.get $length) (i32.const 2))))
      (local.set $place (i32.load (i32.add (local.get $at) (i32.shl (local.get $n) (i32.const 2)))))
      (i32.store8 offset=66006 (local.get $n)
        (i32.add (i32.const 48) (i32.ne (i32.load8_u (local.get $place)) (i32.const 0))))
      (block $written
        (block $second (block $first (br_table $first $second $written (i32.rem_u (local.get $n) (i32.const 3))))
          (i32.store8 (local.get $place) (i32.const 170)) (br $written))
        (drop (call $random (local.get $place) (i32.const 8))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br $next)))
    (i64.or (i64.const 0x000101d000000000) (i64.extend_i32_u (i32.add (local.get $n) (i32.const 6))))))`;

/** Outside of the page with the call's arguments and result. */
const place = fc.oneof(
  fc.integer({ min: 0, max: 65_536 - 8 }),
  fc.integer({ min: 2 * 65_536, max: 8 * 65_536 - 8 }),
);

Deno.test("reset: a page that a call is the first to touch is zero for the next", async () => {
  await using served = await serveModule(compileWat(guest));
  const look = async (places: readonly number[]) => {
    const body = new Uint8Array(Int32Array.from(places).buffer);
    const response = await served.handle(new Request("http://test/", { method: "POST", body }));
    return await response.text();
  };
  for (let warm = 0; warm < 40; warm++) assert.equal(await look([]), "");
  const property = fc.asyncProperty(fc.uniqueArray(place, { maxLength: 12 }), async (places) => {
    // Eight bytes apart, so that a call never reads what it wrote itself.
    const apart = places.map((at) => at & ~7);
    const distinct = [...new Set(apart)];
    for (let time = 0; time < 3; time++) {
      assert.equal(await look(distinct), "0".repeat(distinct.length));
    }
  });
  await fc.assert(property, { numRuns: 150 });
  assert.equal(served.called.figures.instances, 1);
});
