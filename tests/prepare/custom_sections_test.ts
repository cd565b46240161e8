import assert from "node:assert/strict";
import { prepareModule } from "../../src/prepare/prepare.ts";
import { compileWat, patientHost } from "./modules.ts";

function prepare(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = prepareModule(bytes, { steps: true, quietExit: true, exportGlobals: true });
  assert(result.kind === "prepared");
  return result.bytes;
}

/** Returns the contents of the custom sections of that name. */
function sectionsOf(bytes: Uint8Array<ArrayBuffer>, name: string): Uint8Array[] {
  return WebAssembly.Module.customSections(new WebAssembly.Module(bytes), name).map((content) =>
    new Uint8Array(content)
  );
}

/** Returns a custom section with an ASCII name. */
function custom(name: string, ...content: number[]): Uint8Array<ArrayBuffer> {
  const inside = [name.length, ...new TextEncoder().encode(name), ...content];
  return new Uint8Array([0, inside.length, ...inside]);
}

function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

Deno.test("rewrite: a trap shows the names of the guest's functions and of the added ones", () => {
  const bytes = prepare(compileWat(`(module
    (import "env" "host" (func $imported_from_host))
    (func $main.inner (loop $l (br $l)))
    (func $main.outer (export "run") (call $imported_from_host) (call $main.inner)))`));
  // The first check is before the call of the host.
  const answers = [1000, -1];
  const step = () => answers.shift() ?? 0;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    env: { host: () => {} },
    "capsule:prepare": { ...patientHost(), step },
  });
  const error = (() => {
    try {
      (exports.run as () => void)();
    } catch (error) {
      return error;
    }
  })();
  assert(error instanceof WebAssembly.RuntimeError);
  const names = [...(error.stack ?? "").matchAll(/at (\S+) \(wasm/g)].map(([, name]) => name);
  assert.deepEqual(names, ["capsule:prepare.tick", "main.inner", "main.outer"]);
});

Deno.test("renumberNames: names follow their functions; those of globals and memories stay", () => {
  const bytes = compileWat(`(module
    (import "env" "host" (func $host))
    (memory $heap 1) (global $stack (mut i32) (i32.const 0))
    (func $first (param $a i32) (local $b i32) (loop $l (br $l)))
    (func $second (param $c i32)))`);
  const [before = new Uint8Array()] = sectionsOf(bytes, "name");
  const [after = new Uint8Array()] = sectionsOf(prepare(bytes), "name");
  const [functions, locals] = [1, 2];
  assert.deepEqual(namesIn(subsection(after, functions)), [
    [0, "host"],
    [1, "step"],
    [2, "pause"],
    [3, "first"],
    [4, "second"],
    [5, "capsule:prepare.tick"],
    [6, "capsule:prepare.charge"],
  ]);
  // Function, number of names, then index, length and letter of each.
  assert.deepEqual([...subsection(after, locals)], [
    3,
    0,
    0,
    3,
    2,
    0,
    1,
    0x61,
    1,
    1,
    0x62,
    4,
    1,
    0,
    1,
    0x63,
  ]);
  for (const id of [6, 7]) assert.deepEqual(subsection(after, id), subsection(before, id));
});

/** Returns the content of a subsection of names. All sizes are below 128 here. */
function subsection(names: Uint8Array, id: number): Uint8Array {
  for (let at = 0; at < names.length; at += 2 + (names[at + 1] ?? 0)) {
    if (names[at] === id) return names.subarray(at + 2, at + 2 + (names[at + 1] ?? 0));
  }
  return new Uint8Array();
}

function namesIn(map: Uint8Array): [number, string][] {
  const names: [number, string][] = [];
  for (let at = 1; at < map.length; at += 2 + (map[at + 1] ?? 0)) {
    const name = map.subarray(at + 2, at + 2 + (map[at + 1] ?? 0));
    names.push([map[at] ?? 0, new TextDecoder().decode(name)]);
  }
  return names;
}

Deno.test("rewrite: copies custom sections that it does not know", () => {
  const bytes = join(
    compileWat(`(module (func (export "run") (loop $l (br $l))))`),
    custom("producers", 1, 2, 3),
    custom(".debug_info", 4, 5),
    custom("target_features"),
  );
  const after = prepare(bytes);
  for (const name of ["producers", ".debug_info", "target_features"]) {
    assert.deepEqual(sectionsOf(after, name), sectionsOf(bytes, name), name);
  }
});

Deno.test("renumberNames: drops a malformed section, which the engine ignores", () => {
  const plain = compileWat(`(module (func (export "run") (loop $l (br $l))))`);
  const { length } = sectionsOf(plain, "name");
  assert.equal(length, 1);
  const nameless = join(
    plain.subarray(0, plain.length - 2 - 5 - (sectionsOf(plain, "name")[0]?.length ?? 0)),
  );
  assert(WebAssembly.validate(nameless));
  const after = prepare(join(nameless, custom("name", 1, 5, 1, 0, 100)));
  assert(WebAssembly.validate(after));
  assert.deepEqual(sectionsOf(after, "name"), []);
});

/** A module with a hint that its `if` is likely. */
const hintedCode = compileWat(`(module
  (func (export "run") (param i32)
    local.get 0
    (@metadata.code.branch_hint "\\01") if
      (loop $l (br_if $l (local.get 0)))
    end))`);

Deno.test("rewrite: drops notes on instructions when it changes the code, and keeps them else", () => {
  const name = "metadata.code.branch_hint";
  assert.equal(sectionsOf(hintedCode, name).length, 1);
  assert.deepEqual(sectionsOf(prepare(hintedCode), name), []);
  const unchanged = prepareModule(hintedCode, { exportGlobals: true });
  assert.deepEqual(
    sectionsOf(unchanged.bytes as Uint8Array<ArrayBuffer>, name),
    sectionsOf(hintedCode, name),
  );
});
