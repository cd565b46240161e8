import assert from "node:assert/strict";
import { prepareModule } from "../../src/prepare/prepare.ts";
import { compileWat, patientHost } from "./modules.ts";

function prepare(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = prepareModule(bytes, { steps: true, quietExit: true, exportGlobals: true });
  assert(result.kind === "prepared");
  return result.bytes;
}

/** The contents of the custom sections of that name. */
function sectionsOf(bytes: Uint8Array<ArrayBuffer>, name: string): Uint8Array[] {
  return WebAssembly.Module.customSections(new WebAssembly.Module(bytes), name).map((content) =>
    new Uint8Array(content)
  );
}

/** A custom section with an ASCII name. */
function custom(name: string, ...content: number[]): Uint8Array<ArrayBuffer> {
  const inside = [name.length, ...new TextEncoder().encode(name), ...content];
  return new Uint8Array([0, inside.length, ...inside]);
}

function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

Deno.test("a trap shows the names of the guest's functions, and of what was added", () => {
  const bytes = prepare(compileWat(`(module
    (import "env" "host" (func $imported_from_host))
    (func $main.inner (loop $l (br $l)))
    (func $main.outer (export "run") (call $imported_from_host) (call $main.inner)))`));
  // The first check stands before the call of the host.
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

Deno.test("names follow their functions; those of globals and memories stay", () => {
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

/** The content of a part of a name section. All sizes are below 128 here. */
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

Deno.test("sections that the rewriter does not know are kept as they are", () => {
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

Deno.test("a name section that is malformed goes, as the engine ignores it", () => {
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

Deno.test("branch hints follow their instructions, and checks get hints of their own", () => {
  const bytes = compileWat(`(module
    (func $first (export "first") (param i32)
      (loop $l (br_if $l (local.get 0))))
    (func $second (export "second") (param i32)
      (memory.fill (i32.const 0) (i32.const 0) (local.get 0))
      (loop $l
        local.get 0
        (@metadata.code.branch_hint "\\01") if
          (call $second (i32.const 0))
        end
        local.get 0
        (@metadata.code.branch_hint "\\00") br_if $l
        (br_if $l (local.get 0))))
    (memory 1))`);
  const before = hintsOf(bytes);
  assert.deepEqual(before.map(({ opcode, value }) => [opcode, value]), [[0x04, 1], [0x0d, 0]]);
  const after = prepare(bytes);
  // br_if with a check is an `if` around a branch now: 0x04.
  const own = hintsOf(after).filter(({ isCheck }) => !isCheck);
  assert.deepEqual(own.map(({ opcode, value }) => [opcode, value]), [[0x04, 1], [0x04, 0]]);
  const checks = hintsOf(after).filter(({ isCheck }) => isCheck);
  assert(checks.length >= 3, `${checks.length} checks`);
  for (const { opcode, value } of checks) assert.deepEqual([opcode, value], [0x04, 0]);
});

Deno.test("a check in a loop that stands several times has a hint in each copy", () => {
  // The outer loop is too long to be split: the inner one leaves for it over a check, in all eight copies.
  const bytes = prepare(compileWat(`(module
    (func (export "run") (param i32)
      (loop $outer
        ${"(nop)".repeat(70)}
        (loop $inner
          (br_if $inner (local.get 0))
          (br_if $outer (local.get 0))))))`));
  const checks = hintsOf(bytes).filter(({ isCheck, opcode }) => isCheck && opcode === 0x04);
  const ticks = [...bodiesOf(bytes)[0] ?? []].join(",").split("4,64,16,").length - 1; // if (empty), call
  assert(checks.length >= 9, `${checks.length} hints`);
  assert.equal(checks.length, ticks);
});

/** All branch hints with the opcode that they stand at. */
function hintsOf(
  bytes: Uint8Array<ArrayBuffer>,
): { opcode: number; value: number; isCheck: boolean }[] {
  const [content = new Uint8Array()] = sectionsOf(bytes, "metadata.code.branch_hint");
  const imported = WebAssembly.Module.imports(new WebAssembly.Module(bytes)).length;
  const bodies = bodiesOf(bytes);
  const hints = [];
  const next = numbersOf(content, 0).next;
  for (let functions = next(); functions > 0; functions--) {
    const body = bodies[next() - imported] ?? new Uint8Array();
    for (let count = next(); count > 0; count--) {
      const [offset, , value] = [next(), next(), next()];
      // A check is: if (empty), then a call, or a local and a call.
      const isCheck = body[offset] === 0x04 && [0x10, 0x20].includes(body[offset + 2] ?? 0);
      hints.push({ opcode: body[offset] ?? 0, value, isCheck });
    }
  }
  return hints;
}

/** The bodies in the code section. */
function bodiesOf(bytes: Uint8Array): Uint8Array[] {
  const reader = numbersOf(bytes, 8);
  while (reader.at < bytes.length) {
    const id = reader.next();
    const end = reader.next() + reader.at;
    if (id === 10) {
      return Array.from({ length: reader.next() }, () => {
        const size = reader.next();
        reader.at += size;
        return bytes.subarray(reader.at - size, reader.at);
      });
    }
    reader.at = end;
  }
  return [];
}

/** Reads unsigned LEB128 numbers, one after the other. */
function numbersOf(bytes: Uint8Array, at: number): { at: number; next: () => number } {
  const reader = {
    at,
    next: () => {
      let value = 0;
      for (let shift = 0;; shift += 7) {
        const byte = bytes[reader.at++] ?? 0;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
    },
  };
  return reader;
}
