import assert from "node:assert/strict";
import { suspending } from "../../src/wasm/jspi.ts";
import { loopBytes, StandingStack } from "../../src/wasm/standing_stack.ts";
import { compileWat } from "../prepare/modules.ts";

/** Returns the exports of a module that imports `env.wait`, which returns a number later. */
function instantiate(text: string, wait: (number: number) => unknown): WebAssembly.Exports {
  const module = new WebAssembly.Module(compileWat(text));
  return new WebAssembly.Instance(module, { env: { wait: suspending(wait) } }).exports;
}

const guest = `(module
  (import "env" "wait" (func $wait (param i32) (result i32)))
  (func (export "subtract") (param i32 i32 i32) (result i64)
    (i64.extend_i32_s (i32.sub (i32.sub (call $wait (local.get 0)) (local.get 1)) (local.get 2))))
  (func (export "one") (param i32) (result i64) (i64.extend_i32_u (call $wait (local.get 0))))
  (func (export "none") (result i64) (i64.extend_i32_u (call $wait (i32.const 7))))
  (func $down (export "down") (param i32) (result i64)
    (if (result i64) (local.get 0)
      (then (i64.add (i64.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))
      (else (i64.extend_i32_u (call $wait (i32.const 0))))))
  (func (export "trap") (param i32) (result i64)
    (if (local.get 0) (then unreachable)) (i64.extend_i32_u (call $wait (i32.const 0))))
  (func (export "text") (param i32) (result i32) (local.get 0))
  (func (export "wide") (param i64) (result i64) (local.get 0)))`;

function stackOf(exports: WebAssembly.Exports, name: string): StandingStack {
  const stack = StandingStack.of(exports[name] as WebAssembly.ExportValue);
  assert(stack);
  return stack;
}

const later = (number: number) => new Promise((resolve) => setImmediate(() => resolve(number)));

Deno.test("StandingStack: makes calls one after the other, with their own arguments and waits", async () => {
  const exports = instantiate(guest, later);
  const stack = stackOf(exports, "subtract");
  for (let turn = 0; turn < 1000; turn++) {
    assert.equal(await stack.call([turn, 2, 3]), BigInt(turn - 5));
  }
  assert.equal(await stack.call([-1, 0, 0]), -1n);
  assert.equal(await stackOf(exports, "one").call([7]), 7n);
  assert.equal(await stackOf(exports, "none").call([]), 7n);
  stack.end();
});

Deno.test("StandingStack: several stacks wait at the same time", async () => {
  const waits: (() => void)[] = [];
  const exports = instantiate(
    guest,
    (number) => new Promise((resolve) => waits.unshift(() => resolve(number))),
  );
  const calls = [1, 2, 3].map((number) => stackOf(exports, "one").call([number]));
  while (waits.length < 3) await later(0);
  for (const go of waits) go();
  assert.deepEqual(await Promise.all(calls), [1n, 2n, 3n]);
});

Deno.test("StandingStack: works again after a trap, a stack overflow or a failed import", async () => {
  const exports = instantiate(
    guest,
    (number) => number < 0 ? Promise.reject(new Error("refused")) : later(number),
  );
  const trap = stackOf(exports, "trap");
  const down = stackOf(exports, "down");
  const one = stackOf(exports, "one");
  for (let turn = 0; turn < 3; turn++) {
    await assert.rejects(trap.call([1]), WebAssembly.RuntimeError);
    assert.equal(await trap.call([0]), 0n);
    await assert.rejects(down.call([10_000_000]), RangeError);
    // As deep as a call on the main stack goes.
    assert.equal(await down.call([5000]), 5000n);
    await assert.rejects(one.call([-1]), { message: "refused" });
    assert.equal(await one.call([5]), 5n);
  }
});

Deno.test("StandingStack: refuses an export of another type", () => {
  const exports = instantiate(guest, later);
  for (const name of ["text", "wide"]) {
    assert.equal(StandingStack.of(exports[name] as WebAssembly.ExportValue), undefined);
  }
});

Deno.test("StandingStack: can be called again after its end", async () => {
  const stack = stackOf(instantiate(guest, later), "one");
  stack.end();
  for (let turn = 0; turn < 3; turn++) {
    assert.equal(await stack.call([turn]), BigInt(turn));
    stack.end();
  }
});

Deno.test("StandingStack: its loop is what wabt makes of the text", () => {
  for (let parameters = 0; parameters <= 4; parameters++) {
    const i32 = "i32 ".repeat(parameters);
    const text = `(module
      (type (func (result ${i32})))
      (type (func (param ${i32}) (result i64)))
      (type (func (param i64)))
      (type (func))
      (import "" "next" (func $next (type 0)))
      (import "" "handler" (func $handler (type 1)))
      (import "" "done" (func $done (type 2)))
      (func (export "run") (type 3) (loop (call $done (call $handler (call $next))) (br 0))))`;
    const loop = loopBytes(parameters);
    const compiled = compileWat(text);
    assert.deepEqual(loop, compiled.slice(0, loop.length));
    assert.equal(compiled[loop.length], 0, "only wabt's custom section with names follows");
  }
});
