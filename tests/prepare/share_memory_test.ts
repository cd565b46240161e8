import assert from "node:assert/strict";
import fc from "fast-check";
import { CapsuleError } from "../../src/base/errors.ts";
import { assertStartsWithin, shareMemory } from "../../src/prepare/share_memory.ts";
import {
  committedModules,
  compileWat,
  describeModule,
  moduleOf,
  section,
  watModules,
} from "./modules.ts";

const page = 65_536;
const mebibyte = 1 << 20;

/** Instantiates a module with its maxima, and grows each memory and table as far as possible. */
function growAll(text: string, maxBytes: number): { pages: number[]; elements: number[] } {
  const { bytes } = shareMemory(compileWat(text), maxBytes);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const pages: number[] = [];
  const elements: number[] = [];
  for (const it of Object.values(exports)) {
    const isMemory = it instanceof WebAssembly.Memory;
    if (!isMemory && !(it instanceof WebAssembly.Table)) continue;
    let step = 1 << 24;
    while (step >= 1) {
      try {
        it.grow(step);
      } catch {
        step >>= 1;
      }
    }
    if (isMemory) pages.push(it.buffer.byteLength / page);
    else elements.push(it.length);
  }
  return { pages, elements };
}

Deno.test("shareMemory: a memory alone may grow to the maximum, to its own if that is lower", () => {
  assert.deepEqual(growAll(`(module (memory (export "m") 1))`, mebibyte).pages, [16]);
  assert.deepEqual(growAll(`(module (memory (export "m") 1 3))`, mebibyte).pages, [3]);
  const small = `(module (table 5 5 funcref) (memory (export "m") 1))`;
  assert.deepEqual(growAll(small, mebibyte).pages, [16]);
});

Deno.test("shareMemory: memories and tables together stay within the maximum", () => {
  const memories = Array.from({ length: 24 }, (_, at) => `(memory (export "m${at}") 1)`);
  const { pages } = growAll(`(module ${memories.join("")})`, 100 * page);
  assert.equal(pages.length, 24);
  assert.ok(pages.reduce((a, b) => a + b) <= 100, `${pages}`);
  assert.ok(Math.min(...pages) >= 4, `${pages}`);

  const tables = Array.from({ length: 50 }, (_, at) => `(table (export "t${at}") 1 externref)`);
  const { elements, pages: [left = 0] } = growAll(
    `(module ${tables.join("")} (memory (export "m") 1))`,
    64 * mebibyte,
  );
  const tableBytes = elements.reduce((a, b) => a + b) * 32;
  assert.ok(tableBytes <= 8 * mebibyte && tableBytes > 7 * mebibyte, `${tableBytes} bytes`);
  assert.ok(left * page + tableBytes <= 65 * mebibyte, `${left} pages`);
});

Deno.test("shareMemory: what one memory does not use is for the others", () => {
  const text = `(module (memory (export "a") 1 2) (memory (export "b") 1) (memory (export "c") 1))`;
  assert.deepEqual(growAll(text, 100 * page).pages, [2, 49, 49]);
});

Deno.test("assertStartsWithin: refuses memories and tables that start above the maximum", () => {
  const assertStarts = (text: string) =>
    assertStartsWithin(shareMemory(compileWat(text), mebibyte), mebibyte);
  const tooLarge = [
    `(module (memory 17))`,
    `(module (memory 10) (memory 10))`,
    `(module (table 9000000 externref))`,
    `(module (memory 8) (table 20000 externref))`,
  ];
  for (const text of tooLarge) {
    assert.throws(() => assertStarts(text), {
      code: "LOAD",
      message: /its memory starts with .*MiB, more than -maxMemory=1MiB allows$/,
    });
  }
  assertStarts(`(module (memory 16))`);
  assertStarts(`(module (memory 16) (table 10 10 funcref))`);
});

/** Every way to have a memory, with no maximum or one above the limit. */
const kinds = {
  "a memory": "(memory 1)",
  "a memory with a maximum": "(memory 1 5000)",
  "a second memory": "(memory 1 1) (memory 1 5000)",
  "a 64-bit memory": "(memory i64 1)",
  "a 64-bit memory with a maximum": "(memory i64 1 0x40000)",
  "a shared memory": "(memory 1 5000 shared)",
};

for (const [kind, text] of Object.entries(kinds)) {
  Deno.test(`shareMemory: writes the maximum of ${kind}`, () => {
    const { bytes } = shareMemory(compileWat(`(module ${text})`), 300 * page);
    assert.ok(WebAssembly.validate(bytes));
    const maxima = describeModule(bytes).memories.map(({ limits }) => limits.max ?? Infinity);
    assert.equal(maxima.reduce((a, b) => a + b), 300);
  });
}

Deno.test("shareMemory: reports sizes", () => {
  const { initialBytes, maximumBytes, tableBytes } = shareMemory(
    compileWat(`(module (memory 1 4) (memory 2 4) (table 10 10 funcref))`),
    mebibyte,
  );
  assert.deepEqual([initialBytes, maximumBytes, tableBytes], [3 * page, 8 * page, 320]);
});

Deno.test("shareMemory: an invalid module stays invalid, and a valid one valid", () => {
  const limits = [
    [1, 1, 0x81, 0x80, 0x04], // from 1 to 65,537 pages
    [3, 1, 0x81, 0x80, 0x04], // the same, shared
    [5, 1, 0x81, 0x80, 0x10], // from 1 to 262,145 pages, with 64-bit addresses
    [1, 5, 2], // from 5 to 2 pages
    [2, 1], // shared, without a maximum
    [8, 1, 0], // an unknown flag
  ];
  for (const limit of limits) {
    const bytes = moduleOf(section(5, 1, ...limit));
    assert.equal(WebAssembly.validate(bytes), false);
    assert.equal(WebAssembly.validate(shareMemory(bytes, mebibyte).bytes), false, String(limit));
  }
  // (func $f) (table 2 (ref func) (ref.func $f)), which wabt does not know
  // deno-fmt-ignore
  const initialized = Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0,
    4, 10, 1, 0x40, 0, 0x64, 0x70, 0, 2, 0xd2, 0, 0x0b, 10, 4, 1, 2, 0, 0x0b,
  ]);
  assert.equal(WebAssembly.validate(initialized), true);
  assert.equal(WebAssembly.validate(shareMemory(initialized, mebibyte).bytes), true);
});

Deno.test("shareMemory: returns a module without anything to lower as it is", () => {
  const bytes = compileWat(`(module (memory 1 2) (table 3 3 funcref))`);
  assert.equal(shareMemory(bytes, mebibyte).bytes, bytes);
});

Deno.test("shareMemory: turns any bytes into a module or a clear error", () => {
  const modules = [...committedModules(), ...watModules()];
  const source = fc.constantFrom(...modules.map(({ bytes }) => bytes.slice(0, 2000)));
  const edits = fc.array(fc.tuple(fc.nat(1999), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(source, edits, fc.nat(2000), (bytes, changes, length) => {
      const mutated = bytes.slice(0, length);
      for (const [at, byte] of changes) if (at < mutated.length) mutated[at] = byte;
      try {
        shareMemory(mutated, mebibyte);
      } catch (error) {
        assert(error instanceof CapsuleError && error.code === "LOAD", String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
