import assert from "node:assert/strict";
import { serveComponentBytes } from "../../testing/component.ts";
import { buildText, componentTest } from "../../testing/wasm_tools.ts";

/**
 * A component of two core modules that share a memory. Each request traps unless both see the
 * memory of a fresh instance, and then each what the other grew, with zeros in it.
 *
 * @param other fields of a third module: nothing, or a memory of its own.
 */
const component = (other: string) =>
  `(component
  (import "wasi:http/types@0.2.0" (instance $http
    (export "incoming-request" (type $request (sub resource)))
    (export "response-outparam" (type $outparam (sub resource)))))
  (alias export $http "incoming-request" (type $request))
  (alias export $http "response-outparam" (type $outparam))
  (core module $other ${other})
  (core instance (instantiate $other))
  (core module $libc
    (memory (export "memory") 1)
    (func (export "size") (result i32) (memory.size))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
  (core instance $libc (instantiate $libc))
  (core module $m
    (import "libc" "memory" (memory 1))
    (import "libc" "size" (func $size (result i32)))
    (import "libc" "grow" (func $grow (param i32) (result i32)))
    (func $expect (param $found i32) (param $wanted i32)
      (if (i32.ne (local.get $found) (local.get $wanted)) (then (unreachable))))
    (func (export "handle") (param i32 i32)
      (call $expect (memory.size) (i32.const 1))
      (call $expect (call $size) (i32.const 1))
      (call $expect (memory.grow (i32.const 3)) (i32.const 1))
      (call $expect (call $size) (i32.const 4))
      (call $expect (call $grow (i32.const 2)) (i32.const 4))
      (call $expect (memory.size) (i32.const 6))
      (call $expect (memory.grow (i32.const 0)) (i32.const 6))
      (call $expect (memory.grow (i32.const 65536)) (i32.const -1))
      (call $expect (i32.load (i32.const 393212)) (i32.const 0))
      (i32.store (i32.const 393212) (i32.const 7))))
  (core instance $m (instantiate $m (with "libc" (instance $libc))))
  (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
    (canon lift (core func $m "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))`;

for (
  const [what, other, isKept] of [
    ["alone", "", true],
    ["beside another memory", "(memory 1)", false],
  ] as const
) {
  componentTest(`shared memory ${what}: calls find that of a fresh instance`, async () => {
    const bytes = await buildText(component(other));
    await using served = await serveComponentBytes(bytes, []);
    for (let call = 0; call < 20; call++) {
      const response = await served.handle(new Request("http://test/"));
      assert.equal((await response.json()).code, "NO_RESPONSE", `call ${call}`);
      // An instance whose growth cannot be undone is discarded.
      assert.equal(served.called.figures.instances, isKept ? 1 : 0);
    }
  });
}
