import assert from "node:assert/strict";
import fc from "fast-check";
import { type PreparedModule, prepareModule } from "../../src/prepare/prepare.ts";
import { recordStart } from "../../src/wasm/record_start.ts";
import { compileWat } from "../prepare/modules.ts";
import { moduleAt } from "../testing/function.ts";

const options = { exportGlobals: true, steps: true, quietExit: true };

function prepare(
  bytes: Uint8Array,
  startMemos?: Parameters<typeof prepareModule>[1]["startMemos"],
): PreparedModule {
  const prepared = prepareModule(bytes, { ...options, startMemos });
  assert(prepared.kind === "prepared");
  return prepared;
}

function record(bytes: Uint8Array) {
  return recordStart(new WebAssembly.Module(prepare(bytes, "record").bytes));
}

/** Runs `_start` with these random bytes; returns the state after it and the steps it took. */
function start(
  prepared: PreparedModule,
  random: readonly number[],
): { state: unknown[]; steps: number } {
  let next = 0;
  const host = {
    random_get: (at: number, length: number) => {
      const bytes = new Uint8Array(
        (exports[prepared.memoryExport ?? ""] as WebAssembly.Memory).buffer,
      );
      for (let i = 0; i < length; i++) bytes[at + i] = random[next++ % random.length] ?? 0;
      return 0;
    },
  };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(prepared.bytes), {
    wasi_snapshot_preview1: host,
    "capsule:prepare": { step: () => 1_000_000, pause: () => 1_000_000 },
  });
  const counter = exports[prepared.counterExport ?? ""] as WebAssembly.Global;
  counter.value = 1_000_000;
  let ended = "returned";
  try {
    (exports._start as () => void)();
  } catch (error) {
    ended = String(error);
  }
  const globals = prepared.globals.map(({ exportName }) =>
    (exports[exportName] as WebAssembly.Global).value
  );
  const memory = new Uint8Array(
    (exports[prepared.memoryExport ?? ""] as WebAssembly.Memory).buffer,
  );
  return { state: [ended, globals, memory.slice(0, 4096)], steps: 1_000_000 - counter.value };
}

/** `$work` reads a parameter, a global and bytes 100 to 299, and writes with each kind of store. */
const worker = compileWat(`(module
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 130) "what the call reads: 0123456789, and more of it")
  (global $stack (mut i32) (i32.const 3000))
  (global $worked (mut i64) (i64.const 5))
  (func $panic (drop (call $random_get (i32.const 0) (i32.const 1))) (unreachable))
  (func $byte (param i32) (result i32) (i32.load8_u offset=100 (local.get 0)))
  (func $work (param $add i32) (param $times i64) (result i64) (local $i i32) (local $sum i64)
    (global.set $stack (i32.sub (global.get $stack) (i32.const 16)))
    (loop $again
      (local.set $sum (i64.add (local.get $sum) (i64.mul (local.get $times)
        (i64.extend_i32_s (i32.add (local.get $add) (call $byte (i32.rem_u (local.get $i) (i32.const 200))))))))
      (i64.store (global.get $stack) (local.get $sum))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
    (if (i64.eq (local.get $sum) (i64.const 255000)) (then (call $panic)))
    (i32.store8 (i32.const 400) (i32.wrap_i64 (local.get $sum)))
    (i32.store16 (i32.const 402) (local.get $i))
    (f64.store (i32.const 408) (f64.convert_i64_s (local.get $sum)))
    (f32.store offset=16 (i32.const 400) (f32.convert_i64_s (local.get $sum)))
    (i64.store32 (i32.const 424) (local.get $sum))
    (memory.copy (i32.const 431) (i32.const 100) (i32.const 9))
    (memory.fill (i32.const 443) (local.get $add) (i32.const 5))
    (global.set $worked (i64.add (global.get $worked) (local.get $sum)))
    (global.set $stack (i32.add (global.get $stack) (i32.const 16)))
    (local.get $sum))
  (func (export "_start")
    (drop (call $random_get (i32.const 120) (i32.const 2)))
    (drop (call $random_get (i32.const 500) (i32.const 1)))
    (drop (call $random_get (i32.const 501) (i32.const 1)))
    (global.set $worked (i64.add (global.get $worked) (i64.load8_u (i32.const 501))))
    (i64.store (i32.const 8) (call $work (i32.load8_u (i32.const 500)) (i64.const 3)))
    (i64.store (i32.const 16) (i64.load (i32.const 408)))))`);

Deno.test("recordStart: a memo has the effects of the call, for any inputs", () => {
  const memos = record(worker);
  assert.equal(memos.length, 1);
  const plain = prepare(worker);
  const replaying = prepare(worker, memos);
  const some = fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 255 }));
  let replayed = 0;
  fc.assert(
    fc.property(fc.tuple(some, some, some, some), (random) => {
      const [own, other] = [start(plain, random), start(replaying, random)];
      assert.deepEqual(other.state, own.state);
      const finds = random.every((byte) => byte === 0);
      if (finds) replayed++;
      // A replayed call takes no steps.
      if (finds) assert(other.steps < own.steps / 10, `${other.steps} against ${own.steps}`);
      else assert.equal(other.steps, own.steps, `${random}`);
    }),
    { numRuns: 300 },
  );
  assert(replayed > 0, "at least one start is to find what was recorded");
});

Deno.test("recordStart: records what TinyGo's start does to its heap", async () => {
  const bytes = await moduleAt("examples/hello-http/hello.wasm");
  const memos = record(bytes);
  assert.equal(memos.length, 1);
  assert(new WebAssembly.Module(prepare(bytes, memos).bytes));
});

const loop = (inside: string, times: number) =>
  `(local $i i32) (loop $l ${inside}
    (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${times}))))`;

for (
  const [what, module] of Object.entries({
    "is short": `(func $f ${loop("(i32.store (i32.const 8) (local.get $i))", 100)})`,
    "reads much": `(func $f ${
      loop("(drop (i32.load (i32.mul (local.get $i) (i32.const 4))))", 1000)
    })`,
    "writes much": `(func $f ${
      loop("(i32.store (i32.mul (local.get $i) (i32.const 4)) (i32.const 1))", 1000)
    })`,
    "writes much in one call": `(func $f ${
      loop("(memory.fill (i32.const 0) (i32.const 0) (i32.const 3000))", 1000)
    })`,
    "goes beyond the memory": `(func $f ${
      loop("(drop (i32.load offset=65000 (local.get $i)))", 1000)
    })`,
    "asks the host": `(func $f ${loop("(call $host) (drop (i32.load (i32.const 0)))", 1000)})`,
    "traps": `(func $f ${loop("(drop (i32.load (i32.const 0)))", 1000)} (unreachable))`,
    "never ends": `(func $f ${
      loop("(drop (i32.load (i32.const 0)))", 1000)
    } (loop $for_ever (br $for_ever)))`,
    "asks for the size of the memory": `(func $f ${loop("(drop (i32.load (memory.size)))", 1000)})`,
    "is made through a table": `(table funcref (elem $g)) (func $g)
      (func $f ${loop("(call_indirect (i32.const 0)) (drop (i32.load (i32.const 0)))", 1000)})`,
    "takes a float": `(func $g (param f64) ${loop("(drop (i32.load (i32.const 0)))", 1000)})
      (func $f)`,
  })
) {
  Deno.test(`recordStart: skips a call that ${what}`, () => {
    const call = what === "takes a float" ? "(call $g (f64.const 1))" : "(call $f)";
    const text = `(module (import "env" "host" (func $host)) (memory (export "memory") 1) ${module}
      (func (export "_start") ${call}))`;
    assert.deepEqual(record(compileWat(text)), []);
  });
}

Deno.test("recordStart: stops an endless start and keeps what it recorded", () => {
  const f = `(func $f ${loop("(drop (i32.load (i32.const 40)))", 1000)})`;
  const text = `(module (memory (export "memory") 1) ${f}
    (func (export "_start") (call $f) (loop $l (br $l))))`;
  assert.equal(record(compileWat(text)).length, 1);
});

Deno.test("recordStart: records the first of repeated calls", () => {
  const text = `(module (memory (export "memory") 1)
    (func $f ${
    loop("(i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))", 1000)
  })
    (func (export "_start") (local $n i32)
      (loop $l (call $f)
        (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 3))))))`;
  const bytes = compileWat(text);
  const memos = record(bytes);
  assert.deepEqual(memos.map(({ reads }) => reads), [[{ at: 8, bytes: new Uint8Array(4) }]]);
  assert.deepEqual(start(prepare(bytes, memos), [0]).state, start(prepare(bytes), [0]).state);
});
