import assert from "node:assert/strict";
import { decodeComponent } from "../../../src/component/format/decode.ts";
import type { HostFunction } from "../../../src/component/instance/host.ts";
import { LiveComponent } from "../../../src/component/instance/live_component.ts";
import { linkComponent } from "../../../src/component/link/evaluate.ts";
import { ComponentExit, exitInterface } from "../../../src/wasi/p2/cli.ts";
import { quietGuest } from "../../testing/quiet_guest.ts";
import { buildText, componentTest } from "../../testing/wasm_tools.ts";

componentTest("exit: ends a guest that catches everything", async () => {
  const plan = linkComponent(decodeComponent(
    await buildText(`(component
    (import "wasi:cli/exit@0.2.0" (instance $exit
      (export "exit-with-code" (func (param "status-code" u8)))))
    (core func $exit (canon lower (func $exit "exit-with-code")))
    (core module $m
      (import "h" "exit" (func $exit (param i32)))
      (func (export "f")
        (block $caught (try_table (catch_all $caught) (call $exit (i32.const 7))))))
    (core instance $m (instantiate $m (with "h" (instance (export "exit" (func $exit))))))
    (func (export "f") (canon lift (core func $m "f"))))`),
  ));
  const call = exitInterface.functions["exit-with-code"] as HostFunction["call"];
  const live = new LiveComponent(plan, {
    modules: plan.modules.map((bytes) => new WebAssembly.Module(bytes)),
    host: { function: () => ({ call }), drop: () => {} },
    guest: quietGuest(),
  });
  assert.throws(() => live.func("f")?.call([]), (thrown) => {
    return thrown instanceof ComponentExit && thrown.code === 7;
  });
});
