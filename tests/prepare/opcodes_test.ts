import assert from "node:assert/strict";
import { Op, prefixedShapes, Shape, shapes } from "../../src/prepare/format/instructions.ts";
import { moduleOf, section } from "./modules.ts";

/** Bytes that follow an opcode: zeros, which every immediate can be read from, then the end. */
const immediates = [...new Array<number>(40).fill(0), 0x0b];

/** V8's message for an opcode that it does not know, or only with a flag. */
const unknownToV8 =
  /invalid (simd |gc |numeric |atomic )?opcode|descriptor allocation used for type/i;

/** Reports whether V8 runs an instruction by default: whether it complains about its opcode. */
function isKnownToV8(...opcode: number[]): boolean {
  const body = [0, ...opcode, ...immediates];
  const bytes = moduleOf(
    // A structure without fields and a function type; `struct.new` may name the structure.
    section(1, 2, 0x5f, 0, 0x60, 0, 0),
    section(3, 1, 1),
    section(5, 1, 3, 1, 2),
    section(10, 1, body.length, ...body),
  );
  try {
    new WebAssembly.Module(bytes);
    return true;
  } catch (error) {
    assert.ok(error instanceof WebAssembly.CompileError, String(error));
    return !unknownToV8.test(error.message);
  }
}

/** The unsigned LEB128 of a number of up to 14 bits. */
function leb(value: number): number[] {
  return value < 128 ? [value] : [value & 127 | 128, value >> 7];
}

const prefixes = [0xfb, 0xfc, 0xfd, 0xfe];
/** Above the last opcode of any proposal. */
const prefixedOpcodes = 0x400;

Deno.test("instructions: the table has exactly the one-byte opcodes that V8 runs", () => {
  for (let opcode = 0; opcode < 256; opcode++) {
    if (prefixes.includes(opcode)) continue;
    const inTable = shapes[opcode] !== Shape.unknown;
    assert.equal(inTable, isKnownToV8(opcode), `opcode 0x${opcode.toString(16)}`);
  }
});

for (const prefix of prefixes) {
  const name = `0x${prefix.toString(16)}`;
  Deno.test(`instructions: the table has exactly the opcodes after ${name} that V8 runs`, () => {
    assert.equal(shapes[prefix], Shape.prefix);
    const table = prefixedShapes[prefix - Op.gcPrefix];
    assert.ok(table && table.length < prefixedOpcodes);
    for (let opcode = 0; opcode < prefixedOpcodes; opcode++) {
      const inTable: boolean = (table[opcode] ?? Shape.unknown) !== Shape.unknown;
      assert.equal(
        inTable,
        isKnownToV8(prefix, ...leb(opcode)),
        `opcode ${name} 0x${opcode.toString(16)}`,
      );
    }
  });
}
