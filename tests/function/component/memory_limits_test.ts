import assert from "node:assert/strict";
import { importTimer } from "../../testing/component_timer.ts";
import { serveComponentBytes, type TestComponent } from "../../testing/component.ts";
import { buildText, componentTest } from "../../testing/wasm_tools.ts";

/**
 * A component that grows a memory by as many pages as the request's path has characters, waits, and
 * traps if `memory.grow` failed.
 *
 * @param memory of the module that grows it; `grows` also has a start function that adds 20 pages.
 */
function component(memory: "own" | "imported" | "grows"): string {
  const start = memory === "grows"
    ? `(func $start (drop (memory.grow (i32.const 10))) (drop (memory.grow (i32.const 10))))
      (start $start)`
    : "";
  return `(component
  ${importTimer}
  (import "wasi:http/types@0.2.0" (instance $http
    (export "incoming-request" (type $request (sub resource)))
    (export "response-outparam" (type $outparam (sub resource)))
    (export "[method]incoming-request.path-with-query"
      (func (param "self" (borrow $request)) (result (option string))))))
  (alias export $http "incoming-request" (type $request))
  (alias export $http "response-outparam" (type $outparam))
  (core module $libc
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "length") (result i32) (i32.load (i32.const 72))))
  (core instance $libc (instantiate $libc))
  (core func $path (canon lower (func $http "[method]incoming-request.path-with-query")
    (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (core module $m
    (import "h" "path" (func $path (param i32 i32)))
    (import "h" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "h" "block" (func $block (param i32)))
    (import "libc" "length" (func $length (result i32)))
    ${memory === "imported" ? `(import "libc" "memory" (memory 1))` : `(memory 1)`} ${start}
    (func (export "handle") (param $request i32) (param i32) (local $grown i32)
      (call $path (local.get $request) (i32.const 64))
      (local.set $grown (memory.grow (i32.sub (call $length) (i32.const 1))))
      (call $block (call $subscribe (i64.const 1000000)))
      (if (i32.eq (local.get $grown) (i32.const -1)) (then (unreachable)))))
  (core instance $m (instantiate $m (with "libc" (instance $libc)) (with "h" (instance
    (export "path" (func $path)) (export "subscribe" (func $subscribe))
    (export "block" (func $block))))))
  (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
    (canon lift (core func $m "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))`;
}

/** Grows by `pages` in one request. Returns whether it did: it then ends without a response. */
async function grow({ handle }: TestComponent, pages: number): Promise<boolean> {
  const response = await handle(new Request(`http://test/${"x".repeat(pages)}`));
  const { code } = await response.json();
  assert.match(code, /^(NO_RESPONSE|TRAP)$/);
  return code === "NO_RESPONSE";
}

for (
  const [memory, pages] of [["own", 2], ["imported", 1], ["grows", 22]] as const
) {
  componentTest(
    `maxTotalMemory: a component's growth counts, its memory is ${memory}`,
    async () => {
      const bytes = await buildText(component(memory));
      await using served = await serveComponentBytes(bytes, ["-maxTotalMemory=4MiB"]);
      assert.equal(await grow(served, 64 - pages), true);
      assert.equal(await grow(served, 65 - pages), false);
      assert.equal(await grow(served, 5), true);
    },
  );

  componentTest(`maxTotalMemory: counts two instances whose memory is ${memory}`, async () => {
    const bytes = await buildText(component(memory));
    await using served = await serveComponentBytes(bytes, ["-maxTotalMemory=4MiB"]);
    const both = (more: number) => Promise.all([grow(served, more), grow(served, more)]);
    assert.deepEqual(await both(32 - pages), [true, true]);
    assert.deepEqual(await both(33 - pages), [true, false]);
    // Idle instances are closed for one that needs their memory.
    assert.equal(await grow(served, 64 - pages), true);
  });
}

componentTest("maxTotalMemory: growth in a start function that exceeds it is a 503", async () => {
  const bytes = await buildText(component("grows"));
  await using served = await serveComponentBytes(bytes, ["-maxTotalMemory=2560KiB"]);
  const both = [1, 2].map(() => served.handle(new Request("http://test/")));
  const statuses = (await Promise.all(both)).map(({ status }) => status);
  assert.deepEqual(statuses.sort(), [500, 503]);
});
