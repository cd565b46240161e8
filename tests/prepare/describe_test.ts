import assert from "node:assert/strict";
import { compileWat, describeModule, moduleOf, section } from "./modules.ts";

Deno.test("readLayout: describes imports, exports, memories, tables, globals and custom sections", () => {
  const description = describeModule(compileWat(`(module
    (import "env" "log é" (func (param i32 i64) (result f32)))
    (import "env" "memory" (memory 1 9))
    (import "env" "table" (table 2 externref))
    (import "env" "global" (global (mut f64)))
    (import "env" "tag" (tag (param i32)))
    (global i64 (i64.const 1))
    (table 3 5 funcref)
    (func $f (export "run") (param i32) (result i32 i32) (unreachable))
    (export "m" (memory 0))
    (start $begin) (func $begin))`));
  const log = { params: ["i32", "i64"], results: ["f32"] };
  assert.deepEqual(
    description.imports.map((item) => [item.module, item.name, item.kind]),
    [["env", "log é", "function"], ["env", "memory", "memory"], ["env", "table", "table"], [
      "env",
      "global",
      "global",
    ], [
      "env",
      "tag",
      "tag",
    ]],
  );
  const [first] = description.imports;
  assert(first?.kind === "function");
  assert.deepEqual([first.type?.params, first.type?.results], [log.params, log.results]);
  assert.deepEqual(description.exports.map(({ name, kind, index }) => [name, kind, index]), [
    ["run", "function", 1],
    ["m", "memory", 0],
  ]);
  assert.deepEqual(description.exports[0]?.type?.results, ["i32", "i32"]);
  assert.deepEqual(description.memories.map(({ limits }) => [limits.min, limits.max]), [[1, 9]]);
  assert.deepEqual(
    description.tables.map(({ element, limits }) => [element, limits.min, limits.max]),
    [
      ["externref", 2, undefined],
      ["funcref", 3, 5],
    ],
  );
  assert.deepEqual(description.globals.map(({ type, mutable }) => [type, mutable]), [
    ["f64", true],
    [
      "i64",
      false,
    ],
  ]);
  assert.equal(description.functionCount, 3);
  assert.equal(description.start, 2);
  assert.deepEqual(description.customSections, ["name"]);
});

Deno.test("readLayout: describes the imports and exports of a module with unknown types", () => {
  const description = describeModule(moduleOf(
    section(1, 2, 0x60, 0, 0, 0x4d, 0),
    // A function, a global of type (ref null 1), and a 64-bit memory of 1 to 2 pages, all imported
    // from a module without a name.
    section(2, 3, 0, 1, 0x66, 0, 0, 0, 1, 0x67, 3, 0x63, 1, 0, 0, 1, 0x6d, 2, 5, 1, 2),
    section(7, 1, 3, 0x72, 0x75, 0x6e, 0, 0),
  ));
  assert.deepEqual(description.imports.map(({ name }) => name), ["f", "g", "m"]);
  assert.deepEqual(description.globals.map(({ type }) => type), ["(ref null 1)"]);
  assert.deepEqual(description.memories.map(({ limits }) => limits), [{
    min: 1,
    max: 2,
    is64: true,
    shared: false,
  }]);
  assert.deepEqual(description.exports.map(({ name }) => name), ["run"]);
});

const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

for (
  const [what, bytes, message] of [
    ["nothing", [], /begins with the bytes 00 61 73 6d, this one with nothing/],
    ["a script", [0x23, 0x21, 0x2f, 0x62, 0x69], /this one with 23 21 2f 62/],
    ["half a header", header.slice(0, 6), /the version is cut off, at offset 0x06/],
    ["another version", [...header.slice(0, 4), 2, 0, 0, 0], /version 2 is not 1, at offset 0x04/],
    ["a component", [...header.slice(0, 4), 0x0d, 0, 1, 0], /is a WebAssembly component/],
    [
      "a size beyond the end",
      [...header, 1, 9, 0],
      /section 1 has a size of 9 bytes, but the file ends after 1, at offset 0x08/,
    ],
    ["a size cut off", [...header, 1, 0x80], /section size is cut off, at offset 0x0a/],
    [
      "a size of 33 bits",
      [...header, 1, 0xff, 0xff, 0xff, 0xff, 0x1f],
      /section size is not a 32-bit number, at offset 0x09/,
    ],
    [
      "sections out of order",
      [...header, ...section(3, 0), ...section(1, 0)],
      /section 1 is repeated or out of order, at offset 0x0b/,
    ],
    [
      "a section twice",
      [...header, ...section(1, 0), ...section(1, 0)],
      /section 1 is repeated/,
    ],
    [
      "bytes after a section's items",
      [...header, ...section(1, 0, 7, 7)],
      /section 1 has 2 bytes too many, at offset 0x0b/,
    ],
    [
      "a name that is not UTF-8",
      [...header, ...section(0, 1, 0xff)],
      /name of a custom section is not UTF-8, at offset 0x0b/,
    ],
    [
      "an export of a function that does not exist",
      [...header, ...section(7, 1, 1, 0x61, 0, 0)],
      /function 0 does not exist/,
    ],
    [
      "a function of a type that does not exist",
      [...header, ...section(3, 1, 0)],
      /type 0 of a function does not exist/,
    ],
    [
      "an export of an unknown kind",
      [...header, ...section(7, 1, 1, 0x61, 9, 0)],
      /9 is not a kind of export/,
    ],
  ] as [string, number[], RegExp][]
) {
  Deno.test(`readLayout: refuses ${what} and names its offset`, () => {
    assert.throws(() => describeModule(new Uint8Array(bytes)), {
      name: "CapsuleError",
      code: "LOAD",
      message,
    });
  });
}

Deno.test("readLayout: refuses a count that the bytes left cannot hold", () => {
  // 0xff 0xff 0xff 0xff 0x0f is 4,294,967,295.
  const huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
  for (const id of [1, 2, 3, 4, 5, 6, 7, 9]) {
    assert.throws(() => describeModule(moduleOf(section(id, ...huge))), {
      message: /are more than the \d+ that V8 allows/,
    });
  }
  for (const id of [1, 2, 3, 4, 5, 6, 7, 9]) {
    assert.throws(() => describeModule(moduleOf(section(id, 100, 0, 0))), {
      message: /do not fit in the 2 bytes left/,
    });
  }
});
