/**
 * The instruction table: the bytes that follow each opcode, for every instruction that V8 runs by
 * default; `tests/prepare/opcodes_test.ts` compares it with V8. Sources: the binary format of
 * WebAssembly 3.0 (https://webassembly.github.io/spec/core/binary/instructions.html), the threads
 * proposal, and for `try` the legacy encoding of exceptions
 * (https://github.com/WebAssembly/exception-handling/blob/main/proposals/exception-handling/legacy/Exceptions.md).
 *
 * `case 0x0b satisfies typeof Op.end`, here and in every switch over opcodes or kinds of events:
 * V8 compiles a `switch` over integer literals to a jump table, and one over properties to a row
 * of comparisons, which a cold process feels. `satisfies` lets the compiler prove that the literal
 * is the opcode that it names.
 */
export const Shape = {
  unknown: 0,
  /** Nothing. */
  none: 1,
  /** One index or label. */
  index: 2,
  /** Two indices. */
  twoIndices: 3,
  /** Alignment, a memory index if bit 6 of the alignment is set, offset of up to 64 bits. */
  memory: 4,
  /** As `memory`, then a lane. */
  memoryLane: 5,
  /** One byte: the lane of a vector, or the ordering of a fence. */
  byte: 6,
  /** Signed LEB128, up to 5 bytes. */
  i32: 7,
  /** Signed LEB128, up to 10 bytes. */
  i64: 8,
  bytes4: 9,
  bytes8: 10,
  bytes16: 11,
  /** A list of value types. */
  types: 12,
  /** A heap type. */
  heapType: 13,
  /** A block type. */
  block: 14,
  /** A list of labels, and the default label. */
  labels: 15,
  /** A block type, then catch clauses. */
  tryTable: 16,
  /** Another opcode, as unsigned LEB128. */
  prefix: 17,
  /** A byte of flags, a label, two heap types. */
  castBranch: 18,
} as const;

/** Opcodes that the rewriter reads or writes. */
export const Op = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  try: 0x06,
  catch: 0x07,
  throw: 0x08,
  rethrow: 0x09,
  throwRef: 0x0a,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  callRef: 0x14,
  returnCallRef: 0x15,
  delegate: 0x18,
  catchAll: 0x19,
  tryTable: 0x1f,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  tableGet: 0x25,
  tableSet: 0x26,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  i32Eqz: 0x45,
  i32Equal: 0x46,
  i32LessSigned: 0x48,
  i32NotEqual: 0x47,
  i32GreaterUnsigned: 0x4b,
  i32GreaterOrEqualSigned: 0x4e,
  i64Eqz: 0x50,
  i64LessUnsigned: 0x54,
  i64GreaterUnsigned: 0x56,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32ShiftRightUnsigned: 0x76,
  i64Or: 0x84,
  i64Xor: 0x85,
  i64ExtendUnsigned: 0xad,
  i32WrapI64: 0xa7,
  i32ReinterpretF32: 0xbc,
  i64ReinterpretF64: 0xbd,
  f32ReinterpretI32: 0xbe,
  f64ReinterpretI64: 0xbf,
  refNull: 0xd0,
  refFunc: 0xd2,
  brOnNull: 0xd5,
  brOnNonNull: 0xd6,
  gcPrefix: 0xfb,
  bulkPrefix: 0xfc,
  vectorPrefix: 0xfd,
  atomicPrefix: 0xfe,
} as const;

/** Opcodes after the prefix 0xfc that the rewriter reads. */
export const BulkOp = {
  memoryInit: 8,
  dataDrop: 9,
  memoryCopy: 10,
  memoryFill: 11,
  tableInit: 12,
  elemDrop: 13,
  tableCopy: 14,
  tableGrow: 15,
  tableFill: 17,
} as const;

/** Opcodes after the prefix 0xfb that the rewriter reads. */
export const GcOp = {
  arrayNew: 6,
  arrayNewDefault: 7,
  arrayNewData: 9,
  arrayNewElem: 10,
  arrayFill: 16,
  arrayCopy: 17,
  arrayInitData: 18,
  arrayInitElem: 19,
  brOnCast: 24,
  brOnCastFail: 25,
} as const;

/** Opcodes after the prefix 0xfe that the rewriter reads. */
export const AtomicOp = { wait32: 1, wait64: 2 } as const;

/** The empty block type, as it stands after `block`, `loop`, `if`. */
export const EMPTY_BLOCK = 0x40;

type Row = readonly [first: number, last: number, shape: number];

function table(size: number, rows: readonly Row[]): Uint8Array {
  const shapes = new Uint8Array(size);
  for (const [first, last, shape] of rows) shapes.fill(shape, first, last + 1);
  return shapes;
}

/** Shape of each one-byte opcode. */
export const shapes: Uint8Array = table(256, [
  [0x00, 0x01, Shape.none], // unreachable nop
  [0x02, 0x04, Shape.block], // block loop if
  [0x05, 0x05, Shape.none], // else
  [0x06, 0x06, Shape.block], // try
  [0x07, 0x09, Shape.index], // catch throw rethrow
  [0x0a, 0x0b, Shape.none], // throw_ref end
  [0x0c, 0x0d, Shape.index], // br br_if
  [0x0e, 0x0e, Shape.labels], // br_table
  [0x0f, 0x0f, Shape.none], // return
  [0x10, 0x10, Shape.index], // call
  [0x11, 0x11, Shape.twoIndices], // call_indirect
  [0x12, 0x12, Shape.index], // return_call
  [0x13, 0x13, Shape.twoIndices], // return_call_indirect
  [0x14, 0x15, Shape.index], // call_ref return_call_ref
  [0x18, 0x18, Shape.index], // delegate
  [0x19, 0x1b, Shape.none], // catch_all drop select
  [0x1c, 0x1c, Shape.types], // select with types
  [0x1f, 0x1f, Shape.tryTable],
  [0x20, 0x26, Shape.index], // locals, globals, table.get table.set
  [0x28, 0x3e, Shape.memory], // loads and stores
  [0x3f, 0x40, Shape.index], // memory.size memory.grow
  [0x41, 0x41, Shape.i32],
  [0x42, 0x42, Shape.i64],
  [0x43, 0x43, Shape.bytes4],
  [0x44, 0x44, Shape.bytes8],
  [0x45, 0xc4, Shape.none], // arithmetic, conversions, sign extension
  [0xd0, 0xd0, Shape.heapType], // ref.null
  [0xd1, 0xd1, Shape.none], // ref.is_null
  [0xd2, 0xd2, Shape.index], // ref.func
  [0xd3, 0xd4, Shape.none], // ref.eq ref.as_non_null
  [0xd5, 0xd6, Shape.index], // br_on_null br_on_non_null
  [0xfb, 0xfe, Shape.prefix],
]);

/** Shape of each opcode after 0xfb: structures, arrays, casts, small integers. */
const gcShapes = table(31, [
  [0x00, 0x01, Shape.index], // struct.new struct.new_default
  [0x02, 0x05, Shape.twoIndices], // struct.get struct.get_s struct.get_u struct.set
  [0x06, 0x07, Shape.index], // array.new array.new_default
  [0x08, 0x0a, Shape.twoIndices], // array.new_fixed array.new_data array.new_elem
  [0x0b, 0x0e, Shape.index], // array.get array.get_s array.get_u array.set
  [0x0f, 0x0f, Shape.none], // array.len
  [0x10, 0x10, Shape.index], // array.fill
  [0x11, 0x13, Shape.twoIndices], // array.copy array.init_data array.init_elem
  [0x14, 0x17, Shape.heapType], // ref.test ref.cast, with and without null
  [0x18, 0x19, Shape.castBranch], // br_on_cast br_on_cast_fail
  [0x1a, 0x1e, Shape.none], // conversions, ref.i31 i31.get_s i31.get_u
]);

/** Shape of each opcode after 0xfc: conversions that saturate, bulk memory, tables. */
const bulkShapes = table(18, [
  [0x00, 0x07, Shape.none], // i32.trunc_sat_f32_s … i64.trunc_sat_f64_u
  [0x08, 0x08, Shape.twoIndices], // memory.init
  [0x09, 0x09, Shape.index], // data.drop
  [0x0a, 0x0a, Shape.twoIndices], // memory.copy
  [0x0b, 0x0b, Shape.index], // memory.fill
  [0x0c, 0x0c, Shape.twoIndices], // table.init
  [0x0d, 0x0d, Shape.index], // elem.drop
  [0x0e, 0x0e, Shape.twoIndices], // table.copy
  [0x0f, 0x11, Shape.index], // table.grow table.size table.fill
]);

/** Opcodes after 0xfd below 0x100 that name no instruction. */
const vectorHoles = [
  ...[0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb],
  ...[0xc2, 0xc5, 0xc6, 0xcf, 0xd0, 0xd2, 0xd3, 0xd4, 0xe2, 0xee],
];

/** Shape of each opcode after 0xfd: 128-bit vectors, and the relaxed ones from 0x100 on. */
const vectorShapes = table(0x114, [
  [0x00, 0x0b, Shape.memory], // loads, v128.store
  [0x0c, 0x0d, Shape.bytes16], // v128.const i8x16.shuffle
  [0x0e, 0x14, Shape.none], // swizzle, splats
  [0x15, 0x22, Shape.byte], // extract and replace
  [0x23, 0x53, Shape.none], // comparisons, v128.not … v128.any_true
  [0x54, 0x5b, Shape.memoryLane], // loads and stores of one lane
  [0x5c, 0x5d, Shape.memory], // v128.load32_zero v128.load64_zero
  [0x5e, 0xff, Shape.none],
  ...vectorHoles.map((hole): Row => [hole, hole, Shape.unknown]),
  [0x100, 0x113, Shape.none], // relaxed
]);

/** Shape of each opcode after 0xfe: atomic accesses, and waiting for one of another thread. */
const atomicShapes = table(0x4f, [
  [0x00, 0x02, Shape.memory], // memory.atomic.notify memory.atomic.wait32 memory.atomic.wait64
  [0x03, 0x03, Shape.byte], // atomic.fence
  [0x10, 0x4e, Shape.memory], // loads, stores, read-modify-write
]);

/** Shapes after a prefix, by the prefix less `Op.gcPrefix`. */
export const prefixedShapes: readonly Uint8Array[] = [
  gcShapes,
  bulkShapes,
  vectorShapes,
  atomicShapes,
];

/** Names the proposal that an opcode outside the table belongs to, as far as it is known. */
export function unknownInstruction(opcode: number): string {
  if (opcode === Op.atomicPrefix) return "an atomic instruction";
  if (opcode === Op.gcPrefix) return "an instruction on structures, arrays or strings";
  if (opcode === Op.bulkPrefix) return "an instruction on memories, tables or wide integers";
  if (opcode === Op.vectorPrefix) return "a vector instruction";
  if (opcode >= 0xe0 && opcode <= 0xe6) return "an instruction of stack switching";
  return "an instruction";
}
