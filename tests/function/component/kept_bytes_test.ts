import assert from "node:assert/strict";
import { serveComponentBytes } from "../../testing/component.ts";
import { buildText, componentTest } from "../../testing/wasm_tools.ts";

/** A component that makes headers of 1 MiB each, and keeps them all. */
const hoarder = `(component
  (import "wasi:http/types@0.2.0" (instance $http
    (export "fields" (type $fields (sub resource)))
    (export "incoming-request" (type $request (sub resource)))
    (export "response-outparam" (type $outparam (sub resource)))
    (export "[constructor]fields" (func (result (own $fields))))
    (export "[method]fields.append" (func (param "self" (borrow $fields)) (param "name" string)
      (param "value" (list u8)) (result (result))))))
  (alias export $http "incoming-request" (type $request))
  (alias export $http "response-outparam" (type $outparam))
  (core module $libc (memory (export "memory") 17))
  (core instance $libc (instantiate $libc))
  (core func $fields (canon lower (func $http "[constructor]fields")))
  (core func $append (canon lower (func $http "[method]fields.append")
    (memory (core memory $libc "memory"))))
  (core module $m
    (import "libc" "memory" (memory 17))
    (import "h" "fields" (func $fields (result i32)))
    (import "h" "append" (func $append (param i32 i32 i32 i32 i32) (result i32)))
    (func (export "handle") (param i32 i32)
      (memory.fill (i32.const 0) (i32.const 0x61) (i32.const 1048576))
      (loop
        (drop (call $append (call $fields)
          (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1048000)))
        (br 0))))
  (core instance $m (instantiate $m (with "libc" (instance $libc)) (with "h" (instance
    (export "fields" (func $fields)) (export "append" (func $append))))))
  (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
    (canon lift (core func $m "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))`;

componentTest(
  "component: one that makes the host keep its bytes is stopped, and its bytes freed",
  async () => {
    const bytes = await buildText(hoarder);
    await using served = await serveComponentBytes(bytes, ["-maxTotalMemory=16MiB"]);
    for (let request = 0; request < 3; request++) {
      const response = await served.handle(new Request("http://test/"));
      assert.equal((await response.json()).code, "MEMORY");
      assert.ok(Deno.memoryUsage().external < 600 << 20);
    }
  },
);
