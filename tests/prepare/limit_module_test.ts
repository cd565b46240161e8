import assert from "node:assert/strict";
import fc from "fast-check";
import { CapsuleError } from "../../src/base/errors.ts";
import { limitModule } from "../../src/prepare/limit_module.ts";
import { prepareModule } from "../../src/prepare/prepare.ts";
import { committedModules, compileWat, watModules } from "./modules.ts";

const modules = [...committedModules(), ...watModules()];

Deno.test("to limit a module gives the bytes that to prepare it with nothing but the limit gives", () => {
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

Deno.test("the memory of a limited module cannot grow above the limit, nor above its own", () => {
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

Deno.test("a memory that starts above the limit is refused", () => {
  assert.throws(() => limitModule(compileWat("(module (memory 4097))"), 4096), {
    name: "CapsuleError",
    code: "LOAD",
    message:
      /its memory starts with 256.0625 MiB \(4097 pages\) but -maxMemory is 256 MiB \(4096 pages\)/,
  });
});

Deno.test("a memory of a kind that is not known leaves its module as it is, and says why", () => {
  for (const text of ["(memory i64 1)", "(memory 1 2 shared)"]) {
    const bytes = compileWat(`(module ${text})`);
    const limited = limitModule(bytes, 16);
    assert(limited.kind === "unprepared", text);
    assert.deepEqual(limited.bytes, bytes);
    assert.match(limited.unknown.what, /memory64, threads/);
  }
});

Deno.test("whatever the bytes, to limit a module ends in a module or in a clear error", () => {
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
