import { CapsuleError } from "../base/errors.ts";
import { LimitFlag, malformed, Reader } from "./format/reader.ts";

/** A module whose memories and tables together stay within a maximum, and what they use. */
export interface SharedMemory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes of an instance's memories, without growth. */
  readonly initialBytes: number;
  /** Bytes of its tables, without growth. */
  readonly initialTableBytes: number;
  /** Bytes of its memories, with all growth that the maxima allow. */
  readonly maximumBytes: number;
  /** Bytes of its tables, with all growth that the maxima allow. */
  readonly tableBytes: number;
}

const pageBytes = 65_536;
/** Pages that a memory with 32-bit addresses may declare. */
const maxPages = 65_536;
/** Pages that V8 lets a memory with 64-bit addresses declare. */
const maxPages64 = 262_144;
/** Bytes of V8's heap that one table element takes at most. */
const elementBytes = 32;
/** The part of the maximum that tables may grow to; the rest is for memories. */
const tableShare = 1 / 8;

const sectionIds = { table: 4, memory: 5 } as const;

/** Limits of a memory or table, and where they are. */
interface Limited {
  readonly at: number;
  readonly end: number;
  readonly min: number;
  /** The maximum that the module declares; Infinity without one. */
  readonly declared: number;
  readonly flags: number;
  /** The maximum that it gets. */
  max: number;
}

/**
 * Divides `maxBytes` between the memories and tables of a module, by writing a maximum for each. A
 * memory that has it alone may grow to all of it. A memory or table that starts larger than its
 * part cannot grow. Imported memories and tables are not changed: the module that defines them has
 * their maxima.
 *
 * Reads only section headers and the sections of tables and memories. Hot path: each function here
 * is compiled for a call from the command line (bench: `cli`).
 *
 * @throws CapsuleError `LOAD` if the module cannot be read.
 */
export function shareMemory(bytes: Uint8Array<ArrayBuffer>, maxBytes: number): SharedMemory {
  const { memories, tables, sections } = readSections(bytes);
  const tableInitial = sumOf(tables, "min") * elementBytes;
  const memoryInitial = sumOf(memories, "min") * pageBytes;
  const forTables = Math.min(maxBytes * tableShare, maxBytes - memoryInitial);
  divide(tables, Math.floor(forTables / elementBytes));
  const tableBytes = sumOf(tables, "max") * elementBytes;
  // Small tables, which nearly every module has, leave the whole maximum to its memory.
  const tablePages = Math.floor(tableBytes / pageBytes);
  divide(memories, Math.floor(maxBytes / pageBytes) - tablePages);
  return {
    bytes: sections.length === 0 ? bytes : writeMaxima(bytes, sections),
    initialBytes: memoryInitial,
    initialTableBytes: tableInitial,
    maximumBytes: sumOf(memories, "max") * pageBytes,
    tableBytes,
  };
}

/**
 * Checks that the memories and tables of a module start within `maxBytes`. Small tables, which
 * nearly every module has, are not counted.
 *
 * @throws CapsuleError `LOAD` with both sizes if they do not.
 */
export function assertStartsWithin(
  { initialBytes, initialTableBytes }: SharedMemory,
  maxBytes: number,
): void {
  const tableBytes = initialTableBytes > pageBytes ? initialTableBytes : 0;
  if (initialBytes + tableBytes <= maxBytes) return;
  throw new CapsuleError(
    "LOAD",
    `Cannot load the module: its memory starts with ${mebibytes(initialBytes)}` +
      `${tableBytes > 0 ? ` and its tables with ${mebibytes(tableBytes)}` : ""}, more than ` +
      `-maxMemory=${mebibytes(maxBytes)} allows`,
  );
}

interface Sections {
  readonly memories: Limited[];
  readonly tables: Limited[];
  /** The sections of the two, with the offsets of the section and of its content. */
  readonly sections: { at: number; start: number; end: number; items: Limited[] }[];
}

function readSections(bytes: Uint8Array): Sections {
  const memories: Limited[] = [];
  const tables: Limited[] = [];
  const sections: Sections["sections"] = [];
  const reader = new Reader(bytes, 8);
  while (!reader.done) {
    const at = reader.at;
    const id = reader.byte("section number");
    const size = reader.u32("section size");
    const start = reader.at;
    reader.skip(size, "section");
    const content = new Reader(bytes, start, reader.at);
    if (id === sectionIds.memory) {
      for (let left = content.count("memories"); left > 0; left--) {
        memories.push(readLimits(content, maxPages, maxPages64));
      }
      sections.push({ at, start, end: reader.at, items: memories });
    } else if (id === sectionIds.table) {
      for (let left = content.count("tables"); left > 0; left--) tables.push(readTable(content));
      sections.push({ at, start, end: reader.at, items: tables });
    }
  }
  return { memories, tables, sections };
}

/** Reads a table type, and skips the expression of its initial value. */
function readTable(reader: Reader): Limited {
  const hasValue = reader.bytes[reader.at] === 0x40;
  if (hasValue) reader.skip(2, "table");
  reader.skipType();
  const limits = readLimits(reader);
  if (hasValue) skipExpression(reader);
  return limits;
}

/**
 * Skips a constant expression. Stands in for `skipConstantExpression`, which would load the tables
 * of all instructions for a call from the command line.
 *
 * @throws CapsuleError `LOAD` for an instruction that is not constant.
 */
function skipExpression(reader: Reader): void {
  for (;;) {
    const at = reader.at;
    const opcode = reader.byte("initial value");
    if (opcode === 0x0b) return;
    const length = constantLengths[opcode];
    if (length !== undefined) reader.skip(length, "initial value");
    else if (opcode === 0xfb) {
      const numbers = heapNumbers[reader.u32("initial value")];
      if (numbers === undefined) throw malformed("an initial value is not constant", at);
      for (let left = numbers; left > 0; left--) reader.skipLeb(5, "initial value");
    } else if (opcode === 0xfd) reader.skip(17, "initial value");
    else if (withNumber.has(opcode)) reader.skipLeb(10, "initial value");
    else throw malformed("an initial value is not constant", at);
  }
}

/** i32.const, i64.const, global.get, ref.null and ref.func are followed by one number. */
const withNumber: ReadonlySet<number> = new Set([0x41, 0x42, 0x23, 0xd0, 0xd2]);
/** Bytes after f32.const, f64.const, and the additions, subtractions and multiplications. */
const constantLengths: Readonly<Record<number, number>> = {
  0x43: 4,
  0x44: 8,
  0x6a: 0,
  0x6b: 0,
  0x6c: 0,
  0x7c: 0,
  0x7d: 0,
  0x7e: 0,
};
/** Numbers after the constant instructions of structs, arrays and i31, by their second opcode. */
const heapNumbers: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  6: 1,
  7: 1,
  8: 2,
  26: 0,
  27: 0,
  28: 0,
};

function readLimits(reader: Reader, allowed = Infinity, allowed64 = allowed): Limited {
  const at = reader.at;
  const flags = reader.byte("limits");
  const is64 = (flags & LimitFlag.is64) !== 0;
  const read = () => is64 ? reader.u64("limits") : reader.u32("limits");
  const min = read();
  const declared = (flags & LimitFlag.maximum) !== 0 ? read() : Infinity;
  // Limits that WebAssembly does not allow stay as they are: the module must stay invalid.
  const isShared = (flags & LimitFlag.shared) !== 0;
  const isValid = min <= declared &&
    (declared === Infinity ? !isShared : declared <= (is64 ? allowed64 : allowed));
  return { at, end: reader.at, min, declared, flags, max: isValid ? min : declared };
}

/** Gives each item its minimum and an equal part of the rest, up to its declared maximum. */
function divide(items: readonly Limited[], total: number): void {
  let rest = Math.max(0, total - sumOf(items, "min"));
  const growing = items.filter(({ declared, max }) => declared > max);
  if (growing.length > 1) growing.sort((a, b) => (a.declared - a.min) - (b.declared - b.min));
  for (const [index, item] of growing.entries()) {
    const part = Math.floor(rest / (growing.length - index));
    const growth = Math.min(part, item.declared - item.min);
    item.max = item.min + growth;
    rest -= growth;
  }
}

/** Writes the maxima: limits `00 02` with a maximum of 256 become `01 02 80 02`. */
function writeMaxima(
  bytes: Uint8Array<ArrayBuffer>,
  sections: Sections["sections"],
): Uint8Array<ArrayBuffer> {
  if (sections.every(({ items }) => items.every(({ max, declared }) => max === declared))) {
    return bytes;
  }
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const { at, start, end, items } of sections) {
    const content: Uint8Array[] = [];
    let copied = start;
    for (const item of items) {
      if (item.max === item.declared) continue;
      content.push(bytes.subarray(copied, item.at));
      content.push(
        new Uint8Array([item.flags | LimitFlag.maximum, ...leb(item.min), ...leb(item.max)]),
      );
      copied = item.end;
    }
    content.push(bytes.subarray(copied, end));
    const size = sumOf(content, "length");
    parts.push(bytes.subarray(from, at), new Uint8Array([bytes[at] ?? 0, ...leb(size)]));
    parts.push(...content);
    from = end;
  }
  parts.push(bytes.subarray(from));
  const out = new Uint8Array(sumOf(parts, "length"));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Returns the unsigned LEB128 of a number. */
function leb(value: number): number[] {
  return value < 128 ? [value] : [value % 128 + 128, ...leb(Math.floor(value / 128))];
}

function sumOf<Key extends string>(items: readonly Record<Key, number>[], key: Key): number {
  let sum = 0;
  for (const item of items) sum += item[key];
  return sum;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 102.4) / 10}MiB`;
}
