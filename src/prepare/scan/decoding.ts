import type { CapsuleError } from "../../base/errors.ts";
import { Op, Shape, shapes } from "../format/instructions.ts";
import { malformed } from "../format/reader.ts";

/** Ways in which the scan reads an instruction, by its opcode. */
export const Decoding = {
  /** Through the instruction table, without an event of its own or with one of a rare kind. */
  table: 0,
  /** No event, no immediates. */
  plain: 1,
  /** No event, one number of up to 5 bytes. */
  number: 2,
  /** No event, a memory argument. */
  memory: 3,
  /** An event without immediates. */
  event: 4,
  /** An event with one index or label. */
  indexedEvent: 5,
  /** No event, the index of a global, which must exist: the step counter is an added one. */
  global: 6,
  /** No event, the index of a local, which must exist: edits add locals. */
  local: 7,
} as const;

const events: readonly number[] = [Op.unreachable, Op.else, Op.end, Op.return, Op.throwRef];
const indexedEvents: readonly number[] = [
  ...[Op.br, Op.brIf, Op.call, Op.returnCall, Op.callRef, Op.returnCallRef],
  ...[Op.throw, Op.rethrow, Op.catch, Op.delegate],
];
/** Instructions that the table reads and the scan looks at. */
const looked: readonly number[] = [
  ...[Op.catchAll, Op.tableSet, Op.memorySize, Op.memoryGrow],
  ...[Op.refFunc, Op.brOnNull, Op.brOnNonNull],
];

/** A `Decoding` for each opcode. Nearly all instructions are plain, numbers or memory accesses. */
export const decodings: Uint8Array = shapes.map((shape, opcode) => {
  if (events.includes(opcode)) return Decoding.event;
  if (indexedEvents.includes(opcode)) return Decoding.indexedEvent;
  if (looked.includes(opcode)) return Decoding.table;
  if (opcode >= Op.localGet && opcode <= Op.localTee) return Decoding.local;
  if (opcode === Op.globalGet || opcode === Op.globalSet) return Decoding.global;
  if (shape === Shape.none) return Decoding.plain;
  if (shape === Shape.index || shape === Shape.i32) return Decoding.number;
  return shape === Shape.memory ? Decoding.memory : Decoding.table;
});

/** Returns the end of the LEB128 number of up to `maxBytes` bytes at `at`. */
export function endOfNumber(bytes: Uint8Array, at: number, maxBytes = 5): number {
  let end = at + 1;
  while ((bytes[end - 1] ?? 0) >= 0x80) end++;
  if (end - at > maxBytes) throw tooLong(at, maxBytes);
  return end;
}

/**
 * Returns the end of the memory argument at `at`: alignment, memory index if its bit 6 is set,
 * offset.
 */
export function endOfMemoryArgument(bytes: Uint8Array, at: number): number {
  const end = endOfNumber(bytes, at);
  const hasIndex = ((bytes[at] ?? 0) & 0x40) !== 0;
  return endOfNumber(bytes, hasIndex ? endOfNumber(bytes, end) : end, 10);
}

/** Returns the error for a number of an instruction that has more bytes than it may have. */
export function tooLong(at: number, maxBytes = 5): CapsuleError {
  return malformed(`a number of an instruction is longer than ${maxBytes} bytes`, at);
}
