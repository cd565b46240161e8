import assert from "node:assert/strict";
import { CapsuleError } from "../../../src/base/errors.ts";
import { decodeComponent } from "../../../src/component/format/decode.ts";
import { linkComponent } from "../../../src/component/link/evaluate.ts";
import { buildText, componentTest } from "../../testing/wasm_tools.ts";

/** A component with every kind of definition. */
const everything = `(component
  (import "wasi:io/error@0.2.0" (instance $e (export "error" (type (sub resource)))))
  (alias export $e "error" (type $error))
  (type $point (record (field "x" s32) (field "y" f64)))
  (type $shape (variant (case "dot") (case "circle" f32) (case "text" string)))
  (type $f (func (param "p" (tuple u8 char bool)) (result (result (list string) (error (own $error))))))
  (type $it (instance (type $t (enum "a" "b")) (export "t" (type (eq $t)))))
  (type $ct (component (import "g" (func (param "x" (option u64)))) (export "h" (func))))
  (core type $mt (module (type (func (param i32))) (import "a" "b" (func (type 0)))))
  (core module $m
    (memory (export "m") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
    (func (export "f") (param i32 i32) (result i32) unreachable)
    (func (export "drop") (param i32)))
  (core instance $i (instantiate $m))
  (type $r (resource (rep i32) (dtor (core func $i "drop"))))
  (core func $new (canon resource.new $r))
  (core instance $bag (export "new" (func $new)))
  (func $greet (param "name" string) (result string)
    (canon lift (core func $i "f") (memory (core memory $i "m")) (realloc (core func $i "realloc"))))
  (component $c (import "f" (func (param "name" string) (result string))) (export "g" (func 0)))
  (instance $n (instantiate $c (with "f" (func $greet))))
  (export "greet" (func $greet))
  (export "n" (instance $n)))`;

const code = (bytes: Uint8Array<ArrayBuffer>): string | undefined => {
  try {
    linkComponent(decodeComponent(bytes));
  } catch (error) {
    if (error instanceof CapsuleError) return error.code;
    throw error;
  }
};

componentTest("decodeComponent: decodes every kind of definition", async () => {
  const bytes = await buildText(everything);
  assert.equal(code(bytes), undefined);
  const kinds = new Set(decodeComponent(bytes).definitions.map(({ kind }) => kind));
  for (
    const kind of [
      ...["core module", "core instance", "core type", "component", "instance"],
      ...["alias", "type", "canon", "import", "export"],
    ]
  ) assert.ok(kinds.has(kind as never), kind);
});

componentTest("decodeComponent: refuses every truncation inside a section", async () => {
  const bytes = await buildText(everything);
  let whole = 0;
  for (let length = 0; length < bytes.length; length++) {
    if (code(bytes.slice(0, length)) === undefined) whole++;
  }
  // A cut between two sections can leave a smaller component.
  assert.ok(whole < 20, `${whole} truncations are components`);
});

componentTest(
  "decodeComponent: 10,000 mutations are each accepted or refused by name",
  async () => {
    const bytes = await buildText(everything);
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return (seed >>> 8) % below;
    };
    let refused = 0;
    for (let round = 0; round < 10_000; round++) {
      const mutated = bytes.slice();
      for (let edits = 1 + random(3); edits > 0; edits--) {
        mutated[8 + random(mutated.length - 8)] = random(256);
      }
      // Any error other than a CapsuleError is thrown on and fails the test.
      if (code(mutated) === "LOAD") refused++;
    }
    assert.ok(refused > 8_000, `${refused} refused`);
  },
);

Deno.test("decodeComponent: refuses nesting deeper than 100 levels without overflowing", () => {
  let bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);
  for (let level = 0; level < 110; level++) {
    const size = [bytes.length & 0x7f | 0x80, bytes.length >> 7 & 0x7f | 0x80, bytes.length >> 14];
    bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 4, ...size, ...bytes]);
  }
  assert.throws(() => decodeComponent(bytes), /nested more than 100 levels deep/);
});
