import assert from "node:assert/strict";
import { decodeComponent } from "../../../src/component/format/decode.ts";
import { linkComponent } from "../../../src/component/link/evaluate.ts";
import { CapsuleError } from "../../../src/base/errors.ts";
import { buildText, componentTest } from "../../testing/wasm_tools.ts";

async function link(text: string) {
  return linkComponent(decodeComponent(await buildText(`(component ${text})`)));
}

const invalid: readonly (readonly [title: string, text: string, message: RegExp])[] = [
  ["a type index out of bounds", `(import "f" (func (type 3)))`, /type index out of bounds: 3/],
  [
    "a value where a function type is due",
    `(type $t u32) (import "f" (func (type $t)))`,
    /not a function/,
  ],
  ["a name that is not kebab case", `(import "a_b" (func))`, /"a_b" is not a valid name/],
  [
    "names that differ only in case",
    `(import "a-b" (func)) (import "a-B" (func))`,
    /conflicts with previous name "a-b"/,
  ],
  [
    "an export of a function with a type without a name",
    `(core module $m (func (export "f") (result i32) unreachable))
     (core instance $i (instantiate $m))
     (type $e (enum "a" "b"))
     (func $f (result $e) (canon lift (core func $i "f")))
     (export "f" (func $f))`,
    /func not valid to be used as export/,
  ],
  [
    "a lift of a core function with another type",
    `(core module $m (func (export "f") (result i32) unreachable))
     (core instance $i (instantiate $m))
     (func (param "x" u64) (canon lift (core func $i "f")))`,
    /expected \[i64\] -> \[\], found \[\] -> \[i32\]/,
  ],
  [
    "a lift of a string without a memory",
    `(core module $m (func (export "f") (param i32 i32)))
     (core instance $i (instantiate $m))
     (func (param "x" string) (canon lift (core func $i "f")))`,
    /option `memory` is required/,
  ],
  [
    "a lift of a string parameter without realloc",
    `(core module $m (memory (export "m") 1) (func (export "f") (param i32 i32)))
     (core instance $i (instantiate $m))
     (func (param "x" string) (canon lift (core func $i "f") (memory (core memory $i "m"))))`,
    /option `realloc` is required/,
  ],
  [
    "a core module whose import is missing",
    `(core module $m (import "a" "b" (func)))
     (core instance (instantiate $m))`,
    /missing module instantiation argument named `a`/,
  ],
  [
    "a core import of another type",
    `(core module $n (func (export "b") (param i32)))
     (core instance $n (instantiate $n))
     (core module $m (import "a" "b" (func)))
     (core instance (instantiate $m (with "a" (instance $n))))`,
    /type mismatch for import `a::b`/,
  ],
  [
    "an argument of another type",
    `(import "f" (func $f (param "x" u32)))
     (component $c (import "g" (func (param "x" string))))
     (instance (instantiate $c (with "g" (func $f))))`,
    /type mismatch in parameter "x": expected string, found u32/,
  ],
  [
    "two resources where one is due",
    `(import "a" (type $a (sub resource)))
     (import "b" (type $b (sub resource)))
     (component $c (import "x" (type $x (sub resource))) (import "y" (type (eq $x))))
     (instance (instantiate $c (with "x" (type $a)) (with "y" (type $b))))`,
    /resource types are not the same/,
  ],
  [
    "resource.new of an imported resource",
    `(import "a" (type $a (sub resource))) (core func (canon resource.new $a))`,
    /not a local resource/,
  ],
  [
    "a type of more than 2²⁸ bytes",
    `(type (list u64 100000000))`,
    /size of a type must be less than 268435456 bytes/,
  ],
];

for (const [title, text, message] of invalid) {
  componentTest(`linkComponent: refuses ${title}`, async () => {
    await assert.rejects(link(text), (error) => {
      assert.ok(error instanceof CapsuleError, String(error));
      assert.equal(error.code, "LOAD");
      assert.match(error.message, message);
      assert.match(error.message, /at offset 0x/);
      return true;
    });
  });
}

componentTest(
  "linkComponent: refuses nested instantiations that multiply exponentially",
  async () => {
    let text = `(component $c0)`;
    for (let level = 1; level <= 40; level++) {
      text += `(component $c${level}
      (alias outer 1 $c${level - 1} (component $c))
      (instance (instantiate $c)) (instance (instantiate $c)))`;
    }
    await assert.rejects(link(text), /more than 1000000 definitions/);
  },
);

componentTest("linkComponent: compares types that share their parts in linear time", async () => {
  const type = (name: string) => {
    let text = `(type $${name}0 u32)`;
    for (let level = 1; level <= 25; level++) {
      text += `(type $${name}${level} (tuple $${name}${level - 1} $${name}${level - 1}))`;
    }
    return text;
  };
  await link(`${type("a")} (import "f" (func $f (param "x" $a25)))
    (component $c ${type("b")} (import "g" (func (param "x" $b25))))
    (instance (instantiate $c (with "g" (func $f))))`);
});

componentTest(
  "linkComponent: refuses operands and options that a built-in cannot have",
  async () => {
    const invalid: readonly (readonly [string, RegExp])[] = [
      [`(core func (canon context.get i32 2))`, /`canon context\.get` has slots 0 to 1: got 2/],
      [`(type $t u8) (core func (canon stream.new $t))`, /type index 0 is not a stream type/],
      [
        `(type $s (stream u8)) (core func (canon future.new $s))`,
        /type index 0 is not a future type/,
      ],
      [
        `(type $s (stream u8)) (core func (canon stream.read $s async))`,
        /canonical option `memory` is required/,
      ],
      [
        `(core module $m (memory (export "m") 1)) (core instance $i (instantiate $m))
       (type $s (stream string))
       (core func (canon stream.read $s async (memory (core memory $i "m"))))`,
        /canonical option `realloc` is required/,
      ],
      [
        `(core module $m (func (export "f"))) (core instance $i (instantiate $m))
       (func (canon lift (core func $i "f") async))`,
        /the `async` canonical option requires an async function type/,
      ],
      [
        `(core module $m (func (export "f"))) (core instance $i (instantiate $m))
       (func async (canon lift (core func $i "f") (callback (core func $i "f"))))`,
        /canonical option `callback` requires the option `async`/,
      ],
    ];
    for (const [text, message] of invalid) await assert.rejects(link(text), message, text);
  },
);

componentTest("linkComponent: plans core modules once, in order, with their sources", async () => {
  const plan = await link(`
    (core module $m (func (export "f")) (memory (export "m") 1))
    (core module $n (import "a" "f" (func)) (import "a" "m" (memory 1)))
    (core instance $a (instantiate $m))
    (core instance $b (instantiate $m))
    (core instance (instantiate $n (with "a" (instance $b))))`);
  assert.equal(plan.modules.length, 2);
  assert.deepEqual(plan.coreInstances, [
    { module: 0, imports: [] },
    { module: 0, imports: [] },
    {
      module: 1,
      imports: [
        {
          module: "a",
          name: "f",
          source: { kind: "export", instance: 1, name: "f" },
          isMemory: false,
        },
        {
          module: "a",
          name: "m",
          source: { kind: "export", instance: 1, name: "m" },
          isMemory: true,
        },
      ],
    },
  ]);
});

componentTest("linkComponent: imports of the root have the path of the host", async () => {
  const { imports } = await link(`
    (import "wasi:io/streams@0.2.0" (instance
      (export "input-stream" (type $s (sub resource)))
      (export "[method]input-stream.read" (func (param "self" (borrow $s)) (result (list u8))))))`);
  const instance = imports.get("wasi:io/streams@0.2.0");
  assert.ok(instance?.sort === "instance");
  const read = instance.exports.get("[method]input-stream.read");
  assert.ok(read?.sort === "func" && read.source?.kind === "host");
  assert.deepEqual(read.source.path, ["wasi:io/streams@0.2.0", "[method]input-stream.read"]);
});
