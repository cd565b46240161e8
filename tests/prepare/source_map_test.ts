import assert from "node:assert/strict";
import { prepareModule } from "../../src/prepare/prepare.ts";
import { createSourceMap } from "../../src/prepare/source_map.ts";
import { moduleAt } from "../testing/function.ts";
import { compileWat } from "./modules.ts";

const options = { exportGlobals: true, countGrowth: true, steps: true, quietExit: true };

/** Traps in one of its instructions, by its parameter, in loops, calls and behind `memory.grow`. */
const traps = `(module
  (memory (export "memory") 1)
  (global $g (mut i32) (i32.const 0))
  (func $leaf (param i32) (result i32)
    (if (i32.eq (local.get 0) (i32.const 1)) (then unreachable))
    (i32.div_u (i32.const 7) (i32.sub (local.get 0) (i32.const 2))))
  (func $grow (param i32)
    (drop (memory.grow (i32.const 1)))
    (if (i32.eq (local.get 0) (i32.const 3)) (then (drop (i32.load (i32.const -1)))))
    (memory.fill (i32.const 0) (i32.const 1) (i32.mul (i32.const 8000) (i32.const 8)))
    (if (i32.eq (local.get 0) (i32.const 4)) (then (drop (i32.load (i32.const -1))))))
  (func $loops (param i32) (local $i i32)
    (loop $l
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (if (i32.eq (local.get 0) (i32.add (local.get $i) (i32.const 4))) (then unreachable))
      (br_if $l (i32.lt_u (local.get $i) (i32.const 20))))
    (loop $m
      (global.set $g (i32.add (global.get $g) (i32.const 1)))
      (if (i32.eq (local.get 0) (i32.const 30)) (then (drop (call $leaf (i32.const 2)))))
      (if (i32.eqz (local.get 0)) (then (call $grow (i32.const 4))))
      (br_if $m (i32.lt_u (global.get $g) (i32.const 100)))))
  (func (export "run") (param i32)
    (drop (call $leaf (local.get 0)))
    (call $grow (local.get 0))
    (call $loops (local.get 0))
    unreachable))`;

/** Returns the offsets in the guest's stack after a trap, innermost first. */
function trapOffsets(bytes: Uint8Array<ArrayBuffer>, argument: number): number[] {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    "capsule:prepare": {
      step: () => 1_000_000,
      pause: () => 1_000_000,
      grow: (pages: number) => pages,
    },
  });
  try {
    (exports.run as (argument: number) => void)(argument);
  } catch (error) {
    const { stack = "" } = error as Error;
    return [...stack.matchAll(/wasm:\/\/.*:(0x[0-9a-f]+)/g)].map(([, offset]) => Number(offset));
  }
  throw new Error("nothing trapped");
}

Deno.test("createSourceMap: maps the frames of any trap to the module as it was built", () => {
  const bytes = compileWat(traps);
  const prepared = prepareModule(bytes, options);
  assert(prepared.kind === "prepared");
  const map = createSourceMap(bytes, options);
  const seen = new Set<string>();
  for (let argument = 0; argument < 32; argument++) {
    const built = trapOffsets(bytes, argument);
    const ran = trapOffsets(prepared.bytes, argument);
    assert.deepEqual(ran.map(map), built, `argument ${argument}`);
    assert.notDeepEqual(ran, built);
    seen.add(String(built));
  }
  assert.ok(seen.size >= 6, `${seen.size} different stacks`);
});

Deno.test("createSourceMap: has nothing outside of the code, and no code that was added", async () => {
  const bytes = await moduleAt("examples/hello-http/hello.wasm");
  const prepared = prepareModule(bytes, options);
  assert(prepared.kind === "prepared");
  const map = createSourceMap(bytes, options);
  assert.equal(map(8), undefined);
  for (let offset = 0; offset < prepared.bytes.length; offset += 7) {
    const old = map(offset);
    assert.ok(old === undefined || old > 0 && old < bytes.length, `${offset} is ${old}`);
  }
});
