import { Op, prefixedShapes, Shape, shapes, unknownInstruction } from "./instructions.ts";
import { hex, malformed, type Reader, UnknownConstruct } from "./reader.ts";
import { beginsValueType, readHeapType, readValueType, unknownType } from "./value_types.ts";

/**
 * Skips the bytes that follow a one-byte opcode, and returns the opcode after a prefix (0 without
 * one). `at` is the offset of the opcode. Throws `CapsuleError` `LOAD` for malformed bytes and
 * `UnknownConstruct` for an opcode outside the table.
 */
export function skipImmediates(reader: Reader, opcode: number, at: number): number {
  const shape = shapes[opcode] ?? Shape.unknown;
  if (shape === Shape.unknown) {
    throw new UnknownConstruct(hex(opcode), at, unknownInstruction(opcode));
  }
  if (shape !== Shape.prefix) {
    skipShape(reader, shape);
    return 0;
  }
  const second = reader.u32("opcode");
  const after = prefixedShapes[opcode - Op.gcPrefix]?.[second] ?? Shape.unknown;
  if (after === Shape.unknown) {
    throw new UnknownConstruct(`${hex(opcode)} ${hex(second)}`, at, unknownInstruction(opcode));
  }
  skipShape(reader, after);
  return second;
}

function skipShape(reader: Reader, shape: number): void {
  switch (shape) {
    case Shape.none:
      return;
    case Shape.index:
      reader.skipLeb(5, "index");
      return;
    case Shape.i32:
      reader.skipLeb(5, "constant");
      return;
    case Shape.memory:
      skipMemoryArgument(reader);
      return;
    case Shape.block:
      skipBlockType(reader);
      return;
    case Shape.twoIndices:
      reader.skipLeb(5, "index");
      reader.skipLeb(5, "index");
      return;
    case Shape.i64:
      reader.skipLeb(10, "constant");
      return;
    case Shape.bytes4:
      reader.skip(4, "constant");
      return;
    case Shape.bytes8:
      reader.skip(8, "constant");
      return;
    case Shape.bytes16:
      reader.skip(16, "constant");
      return;
    case Shape.byte:
      reader.skip(1, "lane");
      return;
    case Shape.memoryLane:
      skipMemoryArgument(reader);
      reader.skip(1, "lane");
      return;
    case Shape.types:
      for (let left = reader.count("types"); left > 0; left--) readValueType(reader);
      return;
    case Shape.heapType:
      readHeapType(reader);
      return;
    case Shape.castBranch:
      reader.skip(1, "flags of a cast");
      reader.skipLeb(5, "label");
      readHeapType(reader);
      readHeapType(reader);
      return;
    case Shape.labels:
      for (let left = reader.count("labels", 0xffff_ffff) + 1; left > 0; left--) {
        reader.skipLeb(5, "label");
      }
      return;
    case Shape.tryTable:
      skipBlockType(reader);
      for (let left = reader.count("catch clauses"); left > 0; left--) readCatch(reader);
      return;
  }
}

/** Bit 6 of the alignment announces a memory index; the offset in a 64-bit memory has 64 bits. */
function skipMemoryArgument(reader: Reader): void {
  const alignment = reader.u32("alignment");
  if ((alignment & 0x40) !== 0) reader.skipLeb(5, "memory index");
  reader.skipLeb(10, "offset");
}

/** Skips a block type: 0x40 for none, a value type, or a type index as a positive number. */
export function skipBlockType(reader: Reader): void {
  const at = reader.at;
  const byte = reader.byte("block type");
  if (byte === 0x40) return;
  reader.at = at;
  if (beginsValueType(byte)) {
    readValueType(reader);
    return;
  }
  const isNegative = byte < 0x80 && (byte & 0x40) !== 0;
  if (isNegative) throw unknownType(byte, at);
  reader.skipLeb(5, "block type");
}

/**
 * Reads one catch clause and returns its label. Kinds: a tag, a tag and the exception, all, all and
 * the exception.
 */
export function readCatch(reader: Reader): number {
  const at = reader.at;
  const kind = reader.byte("catch clause");
  if (kind > 3) throw malformed(`${kind} is not a kind of catch clause`, at);
  if (kind < 2) reader.skipLeb(5, "tag");
  return reader.u32("label");
}

/** Skips a constant expression; `readReference` is called at each function index, and reads it. */
export function skipConstantExpression(reader: Reader, readReference: () => void): void {
  for (;;) {
    const at = reader.at;
    const opcode = reader.byte("constant expression");
    if (opcode === Op.end) return;
    if (opcode === Op.refFunc) readReference();
    else skipImmediates(reader, opcode, at);
  }
}
