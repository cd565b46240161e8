import assert from "node:assert/strict";
import fc from "fast-check";
import { compileWat } from "../prepare/modules.ts";
import { serveModule } from "../testing/function.ts";

/**
 * A guest that changes its state as its body says and returns a sum over its memory, its size and
 * its globals. The body is a list of 6 bytes each: an action, an offset (32 bits), a value. It
 * stays inside of the size that it sees, beyond which a memory that grew before has zeros.
 */
const guest = `(module
  (memory (export "memory") 2 40)
  (data (i32.const 70000) "what was there before")
  (global $i (mut i32) (i32.const 7))
  (global $l (mut i64) (i64.const 0x1122334455667788))
  (global $f (mut f32) (f32.const 1.5))
  (global $d (mut f64) (f64.const -0.25))
  (global $next (mut i32) (i32.const 90000))
  (func (export "_start")
    (global.set $i (i32.const 8))
    (i32.store (i32.const 100) (i32.const 0x01020304)))
  (func (export "allocateBuffer") (param $size i32) (result i32)
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (local.get $size))))
  (func $deep (param $n i32) (result i32)
    (i32.add (call $deep (i32.add (local.get $n) (i32.const 1))) (i32.load8_u (i32.const 100))))
  (func $long (local $n i32)
    (local.set $n (i32.const 4000000))
    (loop $again
      (global.set $l (i64.mul (i64.add (global.get $l) (i64.const 3)) (i64.const 0x5851f42d4c957f2d)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func $do (param $what i32) (param $at i32) (param $value i32)
    (block $done (block $7 (block $6 (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
      (br_table $0 $1 $2 $3 $4 $5 $6 $7 (local.get $what)))
      (i32.store8 (i32.rem_u (local.get $at) (i32.shl (memory.size) (i32.const 16))) (local.get $value)) (br $done))
      (global.set $i (i32.xor (global.get $i) (local.get $at)))
      (global.set $l (i64.add (global.get $l) (i64.extend_i32_u (local.get $at)))) (br $done))
      (global.set $f (f32.add (global.get $f) (f32.convert_i32_u (local.get $value))))
      (global.set $d (f64.mul (global.get $d) (f64.convert_i32_u (local.get $value)))) (br $done))
      (drop (memory.grow (i32.and (local.get $value) (i32.const 3)))) (br $done))
      (memory.fill
        (i32.rem_u (local.get $at) (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 5000)))
        (local.get $value) (i32.const 5000)) (br $done))
      (drop (call $deep (i32.const 0))) (br $done))
      (call $long) (br $done))
      (unreachable)))
  (func $sum (result i64) (local $sum i64) (local $at i32) (local $end i32)
    (local.set $end (i32.shl (memory.size) (i32.const 16)))
    (loop $again
      (local.set $sum (i64.mul (i64.xor (local.get $sum) (i64.load (local.get $at))) (i64.const 0x100000001b3)))
      (br_if $again (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $end))))
    (i64.xor (local.get $sum) (i64.xor (i64.extend_i32_u (i32.mul (memory.size) (global.get $i)))
      (i64.xor (global.get $l) (i64.xor (i64.extend_i32_u (i32.reinterpret_f32 (global.get $f)))
        (i64.reinterpret_f64 (global.get $d)))))))
  (func (export "callHandleHttp") (param $at i32) (param $length i32) (param i32 i32) (result i64)
    (local $end i32) (local $sum i64) (local $digit i32)
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (block $no (loop $again
      (br_if $no (i32.ge_u (local.get $at) (local.get $end)))
      (call $do (i32.load8_u (local.get $at)) (i32.load offset=1 (local.get $at)) (i32.load8_u offset=5 (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 6)))
      (br $again)))
    (local.set $sum (call $sum))
    (i64.store (i32.const 16) (i64.const 0x3a5d59444f425b20))
    (local.set $at (i32.const 24))
    (loop $next
      (local.set $digit (i32.and (i32.wrap_i64 (local.get $sum)) (i32.const 15)))
      (i32.store8 (local.get $at) (i32.add (local.get $digit) (i32.const 65)))
      (local.set $sum (i64.shr_u (local.get $sum) (i64.const 4)))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 40))))
    (i64.const 0x1100000017)))`;

/** Mostly actions that can be reset; rarely slow ones. */
const act = fc.tuple(
  fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(0, 1, 2, 3, 4) },
    { weight: 1, arbitrary: fc.constantFrom(5, 6, 7) },
  ),
  fc.oneof(fc.integer({ min: 0, max: 200_000 }), fc.integer()),
  fc.integer({ min: 0, max: 255 }),
);

function bodyOf(acts: readonly (readonly [number, number, number])[]): Uint8Array<ArrayBuffer> {
  const body = new DataView(new ArrayBuffer(acts.length * 6));
  acts.forEach(([what, at, value], index) => {
    body.setUint8(index * 6, what);
    body.setInt32(index * 6 + 1, at, true);
    body.setUint8(index * 6 + 5, value);
  });
  return new Uint8Array(body.buffer);
}

Deno.test("reset: after any calls, a call behaves as on a new instance", async () => {
  const bytes = compileWat(guest);
  await using reset = await serveModule(bytes);
  await using renewed = await serveModule(bytes, [], {}, "new instance");
  const answers = async ({ handle }: typeof reset, body: Uint8Array<ArrayBuffer>) => {
    const response = await handle(new Request("http://test/", { method: "POST", body }));
    return `${response.status} ${await response.text()}`;
  };
  const seen = new Set<string>();
  const property = fc.asyncProperty(
    fc.array(fc.array(act, { maxLength: 8 }), { minLength: 1, maxLength: 8 }),
    async (calls) => {
      for (const acts of calls) {
        const body = bodyOf(acts);
        const answer = await answers(reset, body);
        assert.equal(answer, await answers(renewed, body));
        seen.add(answer);
      }
    },
  );
  await fc.assert(property, { numRuns: 200 });
  assert.ok(seen.size > 400, `only ${seen.size} different answers`);
});
