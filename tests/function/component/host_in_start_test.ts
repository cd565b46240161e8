import assert from "node:assert/strict";
import { importTimer } from "../../testing/component_timer.ts";
import { serveComponentBytes } from "../../testing/component.ts";
import { buildText, componentTest } from "../../testing/wasm_tools.ts";

/** A component whose start function gets a pollable, which each request blocks on. */
const component = `(component
  ${importTimer}
  (import "wasi:http/types@0.2.0" (instance $http
    (export "incoming-request" (type $request (sub resource)))
    (export "response-outparam" (type $outparam (sub resource)))))
  (alias export $http "incoming-request" (type $request))
  (alias export $http "response-outparam" (type $outparam))
  (core module $m
    (import "h" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "h" "block" (func $block (param i32)))
    (global $timer (mut i32) (i32.const 0))
    (func $start (global.set $timer (call $subscribe (i64.const 1))))
    (start $start)
    (func (export "handle") (param i32 i32) (call $block (global.get $timer))))
  (core instance $m (instantiate $m (with "h" (instance
    (export "subscribe" (func $subscribe)) (export "block" (func $block))))))
  (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
    (canon lift (core func $m "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))`;

componentTest("component start: what it gets from the host is new in every call", async () => {
  await using served = await serveComponentBytes(await buildText(component));
  for (let call = 0; call < 5; call++) {
    const response = await served.handle(new Request("http://test/"));
    assert.equal((await response.json()).code, "NO_RESPONSE", `call ${call}`);
    // A snapshot would have the number of a handle and not the handle.
    assert.equal(served.called.figures.instances, 0);
  }
});
