import assert from "node:assert/strict";
import fc from "fast-check";
import { CapsuleError } from "../../src/base/errors.ts";
import { limitModule } from "../../src/prepare/limit_module.ts";
import { prepareModule } from "../../src/prepare/prepare.ts";
import {
  committedModules,
  compileWat,
  describeModule,
  moduleOf,
  section,
  watModules,
} from "./modules.ts";

const modules = [...committedModules(), ...watModules()];

Deno.test("limitModule: returns the bytes that prepareModule returns with only the limit", () => {
  for (const maxPages of [200, 4096]) {
    for (const { name, bytes } of modules) {
      const prepared = prepareModule(bytes, { maxMemoryPages: maxPages });
      assert.deepEqual(
        limitModule(bytes, maxPages).bytes,
        prepared.bytes,
        `${name} with ${maxPages} pages`,
      );
    }
  }
});

Deno.test("limitModule: a memory cannot grow above the limit, nor above its own maximum", () => {
  const pagesOf = (text: string, maxPages: number) => {
    const { bytes } = limitModule(compileWat(`(module (memory (export "m") ${text}))`), maxPages);
    const { exports } = new WebAssembly.Instance(
      new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>),
    );
    const memory = exports.m as WebAssembly.Memory;
    let pages = memory.buffer.byteLength / 65536;
    for (; pages < 300; pages++) {
      try {
        memory.grow(1);
      } catch {
        break;
      }
    }
    return pages;
  };
  assert.equal(pagesOf("1", 8), 8);
  assert.equal(pagesOf("1 200", 150), 150);
  assert.equal(pagesOf("1 5", 150), 5);
  assert.equal(pagesOf("8", 8), 8);
});

Deno.test("limitModule: refuses a memory that starts above the limit", () => {
  assert.throws(() => limitModule(compileWat("(module (memory 4097))"), 4096), {
    name: "CapsuleError",
    code: "LOAD",
    message:
      /its memory starts with 256.0625 MiB \(4097 pages\) but -maxMemory is 256 MiB \(4096 pages\)/,
  });
});

Deno.test("limitModule: returns a memory of an unknown kind as it is, and names it", () => {
  const bytes = moduleOf(section(5, 1, 0x08, 1, 0));
  const limited = limitModule(bytes, 16);
  assert(limited.kind === "unprepared");
  assert.deepEqual(limited.bytes, bytes);
  assert.deepEqual([limited.unknown.opcode, limited.unknown.offset], ["0x08", 11]);
});

/** Every way to have a memory, with no maximum or one above the limit. */
const kinds = {
  "a memory": "(memory 1)",
  "a memory with a maximum": "(memory 1 5000)",
  "a second memory": "(memory 1 2) (memory 1 5000)",
  "a 64-bit memory": "(memory i64 1)",
  "a 64-bit memory with a maximum": "(memory i64 1 0x40000)",
  "a shared memory": "(memory 1 5000 shared)",
  "an imported memory": '(import "env" "m" (memory 1))',
  "an imported 64-bit memory after other imports":
    `(import "env" "f" (func)) (import "env" "t" (table 1 9 funcref))
     (import "env" "g" (global (mut i64))) (import "env" "m" (memory i64 1 9999))
     (import "env" "e" (tag (param i32)))`,
  "an imported shared memory": '(import "env" "m" (memory 1 5000 shared))',
};

for (const [kind, text] of Object.entries(kinds)) {
  Deno.test(`limitModule: writes the maximum of ${kind}, as prepareModule does`, () => {
    const bytes = compileWat(`(module ${text})`);
    const limited = limitModule(bytes, 300);
    assert(limited.kind === "limited");
    assert.deepEqual(limited.bytes, prepareModule(bytes, { maxMemoryPages: 300 }).bytes);
    assert.ok(WebAssembly.validate(limited.bytes));
    const memories = describeModule(limited.bytes).memories.map(({ limits }) => limits.max);
    assert.equal(memories.at(-1), 300);
  });
}

for (
  const [what, ...content] of [
    ["a maximum of 65,537 pages", 0x01, 1, 0x81, 0x80, 0x04],
    ["a shared maximum of 65,537 pages", 0x03, 1, 0x81, 0x80, 0x04],
    ["a 64-bit maximum of 262,145 pages", 0x05, 1, 0x81, 0x80, 0x10],
    ["a maximum below its minimum", 0x01, 5, 4],
    ["no maximum and shared memory", 0x02, 1],
  ] as [string, ...number[]][]
) {
  Deno.test(`limitModule: a memory with ${what} stays invalid`, () => {
    const bytes = moduleOf(section(5, 1, ...content));
    assert.equal(WebAssembly.validate(bytes), false);
    const limited = limitModule(bytes, 300).bytes as Uint8Array<ArrayBuffer>;
    assert.equal(WebAssembly.validate(limited), false);
    const prepared = prepareModule(bytes, { maxMemoryPages: 300, steps: true });
    assert.equal(WebAssembly.validate(prepared.bytes as Uint8Array<ArrayBuffer>), false);
  });
}

Deno.test("limitModule: turns any bytes into a module or a clear error", () => {
  const source = fc.constantFrom(...modules.map(({ bytes }) => bytes.slice(0, 2000)));
  const edits = fc.array(fc.tuple(fc.nat(1999), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(source, edits, fc.nat(2000), (bytes, changes, length) => {
      const mutated = bytes.slice(0, length);
      for (const [at, byte] of changes) if (at < mutated.length) mutated[at] = byte;
      try {
        limitModule(mutated, 16);
      } catch (error) {
        assert(error instanceof CapsuleError && error.code === "LOAD", String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
