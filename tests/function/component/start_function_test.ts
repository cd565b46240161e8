import assert from "node:assert/strict";
import { importTimer } from "../../testing/component_timer.ts";
import { serveComponentBytes } from "../../testing/component.ts";
import { buildText, componentTest } from "../../testing/wasm_tools.ts";

/** A component whose core module has a start function. */
const component = (start: string) =>
  `(component
  ${importTimer}
  (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit" (func (param "status" (result))))))
  (import "wasi:http/types@0.2.0" (instance $http
    (export "incoming-request" (type $request (sub resource)))
    (export "response-outparam" (type $outparam (sub resource)))))
  (alias export $http "incoming-request" (type $request))
  (alias export $http "response-outparam" (type $outparam))
  (core func $exit (canon lower (func $exit "exit")))
  (core module $m
    (import "h" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "h" "block" (func $block (param i32)))
    (import "h" "exit" (func $exit (param i32)))
    (memory 1)
    (func $start ${start}) (start $start)
    (func (export "handle") (param i32 i32)))
  (core instance $m (instantiate $m (with "h" (instance
    (export "subscribe" (func $subscribe)) (export "block" (func $block))
    (export "exit" (func $exit))))))
  (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
    (canon lift (core func $m "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))`;

for (
  const [title, start, code, message] of [
    ["computes", "(loop (br 0))", "TIMEOUT", /'-timeout' allows 300 ms/],
    ["traps", "(unreachable)", "LOAD", /^guest\.wasm cannot be instantiated: unreachable$/],
    [
      "passes an unknown handle",
      "(call $block (i32.const 9))",
      "LOAD",
      /^guest\.wasm cannot be instantiated: unknown handle index 9$/,
    ],
    [
      "waits",
      "(call $block (call $subscribe (i64.const 1000000)))",
      "LOAD",
      /^guest\.wasm: its start function waits/,
    ],
    ["exits", "(call $exit (i32.const 1))", "LOAD", /ended with exit code 1$/],
  ] as const
) {
  componentTest(`component: a core start function that ${title} is an error at load`, async () => {
    const bytes = await buildText(component(start));
    await assert.rejects(serveComponentBytes(bytes, ["-timeout=300ms"]), { code, message });
  });
}
