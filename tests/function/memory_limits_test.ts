import assert from "node:assert/strict";
import { compileWat } from "../prepare/modules.ts";
import { serveModule, type TestFunction } from "../testing/function.ts";

/** A guest that grows its memory, waits, and returns the result of `memory.grow`. */
const grows = compileWat(`(module
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "allocateBuffer") (param i32) (result i32) (i32.const 4096))
  (func (export "callHandleHttp") (param $pages i32) (param $ms i32) (param i32 i32) (result i64)
    (local $grown i32)
    (local.set $grown (memory.grow (local.get $pages)))
    (i64.store (i32.const 24)
      (i64.mul (i64.extend_i32_u (local.get $ms)) (i64.const 1000000)))
    (if (local.get $ms) (then
      (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))
    (i64.extend_i32_s (local.get $grown))))`);

/** Grows the memory by `pages` in one call, waits, and returns the result of `memory.grow`. */
async function grow({ called }: TestFunction, pages: number, ms = 0): Promise<unknown> {
  return await called.call({ pass: () => [pages, ms, 0, 0], take: (_, result) => result });
}

Deno.test("maxTotalMemory: growth beyond it is -1 for the guest, and the next call works", async () => {
  await using served = await serveModule(grows, ["-maxTotalMemory=4MiB"]);
  assert.equal(await grow(served, 62), 1n);
  assert.equal(await grow(served, 63), 1n);
  assert.equal(await grow(served, 64), -1n);
  assert.equal(await grow(served, 10), 1n);
});

Deno.test("maxTotalMemory: idle instances are closed when another one needs their memory", async () => {
  await using served = await serveModule(grows, ["-maxTotalMemory=4MiB"]);
  const calls = [grow(served, 30, 1), grow(served, 30, 1)];
  assert.equal(served.called.figures.busy, 2);
  assert.deepEqual(await Promise.all(calls), [1n, 1n]);
  assert.deepEqual(served.called.figures, { instances: 2, busy: 0, queued: 0 });
  assert.equal(await grow(served, 60), 1n);
  assert.equal(served.called.figures.instances, 1);
});

Deno.test("maxTotalMemory: without room for another instance calls queue, then are a 503", async () => {
  const waits = compileWat(`(module
    (import "wasi_snapshot_preview1" "poll_oneoff"
      (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 24 24)
    (func (export "allocateBuffer") (param i32) (result i32) (i32.const 4096))
    (func (export "callHandleHttp") (param i32 i32 i32 i32) (result i64)
      (i64.store (i32.const 24) (i64.const 100000000000))
      (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
      (i64.const 0)))`);
  await using served = await serveModule(waits, ["-maxTotalMemory=4MiB", "-maxQueue=1"]);
  const client = new AbortController();
  const send = () =>
    served.handle(new Request("http://test/", { method: "POST", signal: client.signal }));
  const calls = [send(), send(), send()];
  const refused = await send();
  assert.deepEqual([refused.status, (await refused.json()).message], [
    503,
    "the function is busy: 2 calls use '-maxTotalMemory' and '-maxQueue=1' wait",
  ]);
  assert.deepEqual(served.called.figures, { instances: 2, busy: 2, queued: 1 });
  client.abort();
  for (const response of await Promise.all(calls)) assert.equal(response.status, 499);
});

Deno.test("maxTotalMemory: a module that does not fit once is refused at load", async () => {
  const large = compileWat(`(module (memory (export "memory") 100)
    (func (export "allocateBuffer") (param i32) (result i32) (i32.const 0))
    (func (export "callHandleHttp") (param i32 i32 i32 i32) (result i64) (i64.const 0)))`);
  await assert.rejects(serveModule(large, ["-maxTotalMemory=4MiB"]), {
    code: "LOAD",
    message: /needs 6 MiB for an instance, and -maxTotalMemory allows 4 MiB for all$/,
  });
});

Deno.test("maxMemory: fifty tables and twenty memories grow within it, and fail beyond it", async () => {
  const count = (kind: string, length: number, text: (at: number) => string) =>
    Array.from({ length }, (_, at) => `(${kind} ${text(at)})`).join("\n");
  const module = compileWat(`(module
    (memory (export "memory") 1) ${count("memory", 19, (at) => `$m${at} 1`)}
    ${count("table", 50, (at) => `$t${at} 1 externref`)}
    (global $failed (mut i32) (i32.const 0))
    (func $count (param i32)
      (if (i32.eq (local.get 0) (i32.const -1))
        (then (global.set $failed (i32.add (global.get $failed) (i32.const 1))))))
    (func (export "allocateBuffer") (param i32) (result i32) (i32.const 4096))
    (func (export "callHandleHttp") (param i32 i32 i32 i32) (result i64)
      ${count("call", 19, (at) => `$count (memory.grow $m${at} (i32.const 3999))`)}
      ${
    count("call", 50, (at) => `$count (table.grow $t${at} (ref.null extern) (i32.const 9000000))`)
  }
      (i64.extend_i32_u (global.get $failed))))`);
  await using served = await serveModule(module);
  assert.equal(await grow(served, 0), 69n);
});
