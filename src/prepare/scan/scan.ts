import type { CapsuleError } from "../../base/errors.ts";
import { BULK_IS_SMALL, Events, Kind, LOOP_HAS_PARAMETERS, LOOP_IS_CAUGHT } from "./events.ts";
import { skipImmediates } from "../format/immediates.ts";
import { catchLabels } from "../format/labels.ts";
import { BulkOp, EMPTY_BLOCK, Op, Shape, shapes } from "../format/instructions.ts";
import { Ints } from "../format/ints.ts";
import { codeSection, type Layout } from "../format/layout.ts";
import { malformed, Reader } from "../format/reader.ts";
import { ScannedFunctions } from "./scanned_functions.ts";
import { readValueType } from "../format/value_types.ts";

/** What is known about the code of a module after one walk over it. */
export interface Code {
  events: Events;
  functions: ScannedFunctions;
  /** Numbers of the events that are calls of any kind. */
  calls: Ints;
  /** Functions named by `ref.func`, which a table or a value may hold. */
  referenced: Ints;
  /** Name and offset of the first instruction of each sort that a reset could not undo. */
  tableWrite: Instance | undefined;
  segmentDrop: Instance | undefined;
}

interface Instance {
  instruction: string;
  offset: number;
}

/** Opcodes without a block, a label or a function that are looked at all the same, and those that have one. */
const events: ReadonlySet<number> = new Set<number>([
  Op.unreachable,
  Op.else,
  Op.catch,
  Op.throw,
  Op.rethrow,
  Op.throwRef,
  Op.end,
  Op.br,
  Op.brIf,
  Op.return,
  Op.call,
  Op.returnCall,
  Op.delegate,
  Op.catchAll,
  Op.tableSet,
  Op.memorySize,
  Op.memoryGrow,
  Op.refFunc,
]);

/** More than V8 takes (its limit is 50,000): https://webassembly.github.io/spec/js-api/#limits. */
const maxLocals = 50_000;

/** Instructions that one `memory.grow` is worth: it asks the system for memory. */
const growCost = 500;

/** Instructions that throwing an exception is worth: the engine looks for its handler frame by frame. */
const throwCost = 1000;

/** Instructions that a bulk instruction of up to 4096 bytes is worth. */
const bulkCost = 64;

/**
 * Walks over all code once. Throws `CapsuleError` `LOAD` when blocks, labels or indices do not fit together, so that what comes
 * after may trust them, and `UnknownConstruct` on an instruction that is not in the table.
 */
export function scanCode(layout: Layout): Code {
  const section = codeSection(layout);
  const defined = layout.functionTypes.length - layout.importedFunctions;
  const reader = section
    ? new Reader(layout.bytes, section.start, section.end)
    : new Reader(layout.bytes, 0, 0);
  const count = section ? reader.count("function bodies") : 0;
  if (count !== defined) {
    throw malformed(`${defined} functions have ${count} bodies`, section?.start ?? 0);
  }
  const scanner = new Scanner(layout, count, reader.end - reader.at);
  for (let index = 0; index < count; index++) scanner.scanFunction(reader);
  if (!reader.done) throw malformed("bytes after the last function", reader.at);
  // One past the last function, so that every function ends where the next begins.
  scanner.noteFunction(reader.at, reader.at, reader.at, 0);
  return scanner.code;
}

/**
 * For each opcode that is only stepped over, the length of the instruction when the numbers in it take a byte each, of
 * which there are two where they begin with an alignment; 0 for all others.
 */
const plain = shapes.map((shape, opcode) => {
  if (events.has(opcode)) return 0;
  if (shape === Shape.none) return 1;
  if (shape === Shape.index || shape === Shape.i32) return 2;
  return shape === Shape.memory ? 3 : 0;
});

/** The end of the LEB128 number at `at`. */
function endOfNumber(bytes: Uint8Array, at: number): number {
  let end = at + 1;
  while ((bytes[end - 1] ?? 0) >= 0x80) end++;
  if (end - at > 5) throw tooLong(at);
  return end;
}

function tooLong(at: number): CapsuleError {
  return malformed("a number of an instruction is longer than 5 bytes", at);
}

/** The end of the alignment at `at`, of the memory index that bit 6 of it announces, and of the offset. */
function endOfMemoryArgument(bytes: Uint8Array, at: number): number {
  const end = endOfNumber(bytes, at);
  return endOfNumber(bytes, ((bytes[at] ?? 0) & 0x40) === 0 ? end : endOfNumber(bytes, end));
}

class Scanner {
  readonly code: Code;
  readonly #layout: Layout;
  /** Kinds of the blocks that are open, and the events that began them (-1 for the function itself). */
  readonly #open: number[] = [];
  readonly #begins: number[] = [];
  #cost = 0;

  /** For `functions` in so many bytes. */
  constructor(layout: Layout, functions: number, bytes: number) {
    this.#layout = layout;
    this.code = {
      // What an event takes at least, with what leads to it.
      events: new Events(Math.ceil(bytes / 4)),
      functions: new ScannedFunctions(functions + 1),
      calls: new Ints(512),
      referenced: new Ints(),
      tableWrite: undefined,
      segmentDrop: undefined,
    };
  }

  scanFunction(reader: Reader): void {
    const sizeAt = reader.at;
    const size = reader.u32("size of a function");
    const start = reader.at;
    const end = start + size;
    if (end > reader.end) throw malformed(`a function of ${size} bytes is cut off`, sizeAt);
    let locals = 0;
    for (let left = reader.count("groups of locals", maxLocals); left > 0; left--) {
      locals += reader.u32("number of locals");
      if (locals > maxLocals) {
        throw malformed(`${locals} locals are more than V8 allows`, reader.at);
      }
      readValueType(reader);
    }
    this.noteFunction(sizeAt, start, reader.at, locals);
    this.#scanBody(reader, end);
    if (reader.at !== end) {
      throw malformed("a function does not end with its last block", reader.at);
    }
  }

  noteFunction(sizeAt: number, start: number, codeStart: number, locals: number): void {
    const { functions, events, calls } = this.code;
    const index = functions.length++;
    functions.sizeAt[index] = sizeAt;
    functions.start[index] = start;
    functions.codeStart[index] = codeStart;
    functions.locals[index] = locals;
    functions.firstEvent[index] = events.length;
    functions.firstCall[index] = calls.length;
  }

  /**
   * Reads the instructions of a function. Those that are only stepped over, nearly all there are, and the usual forms of the most
   * frequent events are done in this loop, without a call for each: the engine has not optimized anything yet. All others, and
   * whatever is wrong with these, is left to `#scanInstruction`.
   */
  #scanBody(reader: Reader, end: number): void {
    const { bytes } = reader;
    const { events, calls } = this.code;
    // No instruction is shorter than a byte: there is room for all events.
    events.reserve(end - reader.at);
    const { offsets, kinds, arguments: values, costs } = events;
    const lengths = plain;
    const open = this.#open;
    const begins = this.#begins;
    const functionCount = this.#layout.functionTypes.length;
    open.push(Kind.block);
    begins.push(-1);
    let { at } = reader;
    /** Offset of the instruction before. */
    let before = at;
    let cost = 0;
    let event = events.length;
    for (;;) {
      const opcode = bytes[at] ?? 0;
      const length = lengths[opcode] ?? 0;
      cost++;
      if (length === 2) {
        before = at;
        at += 2;
        if ((bytes[before + 1] ?? 0) < 0x80) continue;
        while ((bytes[at++] ?? 0) >= 0x80);
        if (at - before > 6) throw tooLong(before + 1);
        continue;
      }
      if (length === 1) {
        before = at++;
        continue;
      }
      if (length === 3) {
        before = at;
        at += 3;
        if ((bytes[before + 1] ?? 0) >= 0x40) at = endOfMemoryArgument(bytes, before + 1);
        else if ((bytes[before + 2] ?? 0) >= 0x80) at = endOfNumber(bytes, before + 2);
        continue;
      }
      if (at >= end) throw malformed("a function ends inside of a block", end);
      const next = bytes[at + 1] ?? 0;
      const previous = before;
      before = at;
      offsets[event] = at;
      costs[event] = cost;
      switch (opcode) {
        case 0x0b satisfies typeof Op.end:
          kinds[event] = opcode;
          values[event++] = begins.pop() ?? -1;
          open.pop();
          at++;
          cost = 0;
          if (open.length > 0) continue;
          events.length = event;
          reader.at = at;
          return;
        case 0x0c satisfies typeof Op.br:
        case 0x0d satisfies typeof Op.brIf:
          if (next >= 0x80 || next >= open.length) break;
          kinds[event] = opcode;
          values[event++] = next;
          at += 2;
          cost = 0;
          continue;
        case 0x10 satisfies typeof Op.call:
          if (next >= 0x80 || next >= functionCount) break;
          calls.push(event);
          kinds[event] = opcode;
          values[event++] = next;
          at += 2;
          cost = 0;
          continue;
        case 0x02 satisfies typeof Op.block:
        case 0x03 satisfies typeof Op.loop:
        case 0x04 satisfies typeof Op.if:
          if (next !== EMPTY_BLOCK) break;
          open.push(opcode);
          begins.push(event);
          kinds[event] = opcode;
          values[event++] = 0;
          at += 2;
          cost = 0;
          continue;
      }
      events.length = event;
      reader.at = at;
      this.#cost = cost;
      this.#scanInstruction(reader, previous);
      cost = this.#cost;
      at = reader.at;
      event = events.length;
    }
  }

  #scanInstruction(reader: Reader, before: number): void {
    const at = reader.at++;
    const opcode = this.#layout.bytes[at] ?? 0;
    switch (opcode) {
      case Op.br:
      case Op.brIf:
        return this.#add(at, opcode, this.#label(reader));
      case Op.call:
      case Op.returnCall: {
        const index = this.#function(reader);
        this.code.calls.push(this.code.events.length);
        return this.#add(at, opcode, index);
      }
      case Op.block:
      case Op.if:
      case Op.try:
        skipImmediates(reader, opcode, at);
        return this.#begin(at, opcode);
      case Op.loop:
        skipImmediates(reader, opcode, at);
        return this.#begin(at, opcode, this.#hasParameters(at + 1) ? LOOP_HAS_PARAMETERS : 0);
      case Op.tryTable:
        this.#checkCatchLabels(at);
        skipImmediates(reader, opcode, at);
        return this.#begin(at, opcode);
      case Op.else:
        this.#replace(at, Kind.if, Kind.else);
        return this.#add(at, opcode);
      case Op.return:
      case Op.unreachable:
        return this.#add(at, opcode);
      case Op.callIndirect:
      case Op.returnCallIndirect: {
        const type = reader.u32("type");
        if (type >= this.#layout.types.length) throw malformed(`type ${type} is not there`, at);
        reader.skipLeb(5, "table");
        this.code.calls.push(this.code.events.length);
        return this.#add(at, opcode, type);
      }
      case Op.brTable:
        for (let left = reader.count("labels", 0xffff_ffff) + 1; left > 0; left--) {
          this.#label(reader);
        }
        return this.#add(at, opcode);
      case Op.catch:
      case Op.catchAll:
        skipImmediates(reader, opcode, at);
        this.#replace(at, Kind.try, Kind.try);
        return this.#add(at, Kind.catch);
      case Op.delegate: {
        // The label counts from outside of the try, as that of a branch after it would.
        if (this.#open.pop() !== Kind.try) throw malformed("delegate ends no try", at);
        this.#label(reader);
        return this.#add(at, opcode, this.#begins.pop());
      }
      case Op.throw:
      case Op.rethrow:
      case Op.throwRef:
        skipImmediates(reader, opcode, at);
        this.#cost += throwCost;
        return this.#add(at, Kind.throw);
      case Op.refFunc: {
        const index = this.#function(reader);
        this.code.referenced.push(index);
        return this.#add(at, Kind.refFunc, index);
      }
      case Op.tableSet:
        this.code.tableWrite ??= { instruction: "table.set", offset: at };
        break;
      case Op.memorySize:
        if (reader.u32("memory") === 0) this.#add(at, Kind.memorySize);
        return;
      case Op.memoryGrow:
        this.#cost += growCost;
        if (reader.u32("memory") === 0) this.#add(at, Kind.memoryGrow);
        return;
    }
    const second = skipImmediates(reader, opcode, at);
    if (opcode === Op.bulkPrefix && second >= BulkOp.memoryInit) {
      this.#scanBulk(at, second, before);
    }
  }

  #scanBulk(at: number, opcode: number, before: number): void {
    const instruction = bulkNames.get(opcode);
    if (opcode >= BulkOp.tableInit && opcode !== BulkOp.elemDrop && instruction) {
      this.code.tableWrite ??= { instruction, offset: at };
    }
    if (opcode === BulkOp.dataDrop || opcode === BulkOp.elemDrop) {
      this.code.segmentDrop ??= { instruction: instruction ?? "", offset: at };
    } else if (instruction) {
      this.#cost += bulkCost;
      this.#add(at, Kind.bulk, this.#isSmallConstant(before) ? BULK_IS_SMALL : 0);
    }
  }

  /** Whether an i32.const below 4096 stands at `at`. */
  #isSmallConstant(at: number): boolean {
    const { bytes } = this.#layout;
    const first = bytes[at + 1] ?? 0;
    return bytes[at] === Op.i32Const &&
      (first < 0x40 || (first >= 0x80 && (bytes[at + 2] ?? 0) < 0x20));
  }

  #add(at: number, kind: number, argument = 0): void {
    const { events } = this.code;
    const event = events.length++;
    events.offsets[event] = at;
    events.kinds[event] = kind;
    events.arguments[event] = argument;
    events.costs[event] = this.#cost;
    this.#cost = 0;
  }

  #begin(at: number, kind: number, argument = 0): void {
    this.#open.push(kind);
    this.#begins.push(this.code.events.length);
    this.#add(at, kind, argument);
  }

  /** The block that is open goes on as another kind: `if` as `else`. */
  #replace(at: number, from: number, to: number): void {
    if (this.#open.pop() !== from) {
      throw malformed("else or catch stands in no block of its kind", at);
    }
    this.#open.push(to);
  }

  #label(reader: Reader): number {
    const at = reader.at;
    const label = reader.u32("label");
    if (label >= this.#open.length) throw malformed(`label ${label} is not there`, at);
    return label;
  }

  #function(reader: Reader): number {
    const at = reader.at;
    const index = reader.u32("function");
    if (index >= this.#layout.functionTypes.length) {
      throw malformed(`function ${index} is not there`, at);
    }
    return index;
  }

  /** Labels of catch clauses count from outside of the block, too. */
  #checkCatchLabels(at: number): void {
    for (const label of catchLabels(this.#layout.bytes, at)) {
      if (label >= this.#open.length) throw malformed(`label ${label} is not there`, at);
      const begin = this.#begins[this.#begins.length - 1 - label] ?? -1;
      if (begin >= 0 && this.code.events.kind(begin) === Kind.loop) {
        this.code.events.addFlag(begin, LOOP_IS_CAUGHT);
      }
    }
  }

  #hasParameters(blockTypeAt: number): boolean {
    const reader = new Reader(this.#layout.bytes, blockTypeAt);
    reader.skipLeb(5, "block type");
    // A negative number is no index but nothing or one result; V8 takes it in any width.
    if (((reader.bytes[reader.at - 1] ?? 0) & 0x40) !== 0) return false;
    reader.at = blockTypeAt;
    const type = this.#layout.types[reader.u32("block type")];
    if (!type) throw malformed("the type of a block is not there", blockTypeAt);
    return type.params.length > 0;
  }
}

const bulkNames = new Map<number, string>([
  [BulkOp.memoryInit, "memory.init"],
  [BulkOp.dataDrop, "data.drop"],
  [BulkOp.memoryCopy, "memory.copy"],
  [BulkOp.memoryFill, "memory.fill"],
  [BulkOp.tableInit, "table.init"],
  [BulkOp.elemDrop, "elem.drop"],
  [BulkOp.tableCopy, "table.copy"],
  [BulkOp.tableGrow, "table.grow"],
  [BulkOp.tableFill, "table.fill"],
]);
