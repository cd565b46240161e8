import {
  BULK_IS_64,
  BULK_IS_SMALL,
  Events,
  Kind,
  LOOP_HAS_PARAMETERS,
  LOOP_IS_CAUGHT,
} from "./events.ts";
import { readBulk } from "./bulk.ts";
import { Decoding, decodings, endOfMemoryArgument, endOfNumber, tooLong } from "./decoding.ts";
import { skipBlockType, skipImmediates } from "../format/immediates.ts";
import { catchLabels, labelOffset } from "../format/labels.ts";
import { AtomicOp, EMPTY_BLOCK, GcOp, Op } from "../format/instructions.ts";
import { Ints } from "../format/ints.ts";
import { codeSection, type Layout } from "../format/layout.ts";
import { malformed, Reader } from "../format/reader.ts";
import { ScannedFunctions } from "./scanned_functions.ts";
import { beginsValueType, readValueType } from "../format/value_types.ts";

/** Everything known about a module's code after one pass over it. */
export interface Code {
  events: Events;
  functions: ScannedFunctions;
  /** Numbers of the events that are calls of any kind. */
  calls: Ints;
  /** Functions named by `ref.func`, which a table or a value may hold. */
  referenced: Ints;
  /**
   * First instruction that writes to a table, and first that drops a segment: no reset undoes them.
   */
  tableWrite: Occurrence | undefined;
  segmentDrop: Occurrence | undefined;
}

/** First occurrence of an instruction. */
export interface Occurrence {
  instruction: string;
  /** Offset from the start of the file. */
  offset: number;
}

/** V8's limit of the locals of a function (https://webassembly.github.io/spec/js-api/#limits). */
const maxLocals = 50_000;

// Costs, in plain instructions.
/** `memory.grow` asks the system for memory. */
const growCost = 500;
/** The engine looks for the handler of an exception frame by frame. */
const throwCost = 1000;
/** A bulk instruction on up to `freeBulkLength` bytes or elements. */
const bulkCost = 64;

/**
 * Reads all code once. Throws `CapsuleError` `LOAD` when blocks, labels or indices do not fit
 * together, so that later passes can rely on them, and `UnknownConstruct` for an instruction that
 * is not in the table.
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

class Scanner {
  readonly code: Code;
  readonly #layout: Layout;
  /** Kinds of the open blocks, and the events that began them (-1 for the function itself). */
  readonly #open: number[] = [];
  readonly #begins: number[] = [];
  #cost = 0;

  constructor(layout: Layout, functions: number, codeBytes: number) {
    this.#layout = layout;
    this.code = {
      // An event and the instructions that lead to it have four bytes at least, on average.
      events: new Events(Math.ceil(codeBytes / 4)),
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
    const { types, functionTypes, importedFunctions } = this.#layout;
    const index = this.code.functions.length - 1;
    const type = types[functionTypes.at(importedFunctions + index)];
    this.#scanBody(reader, end, (type?.params.length ?? 0) + locals);
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
   * Reads the instructions of a function. Hot path: nearly all of them are read in this loop
   * without a call (bench: `prepare`); `#scanRare` reads the rest.
   */
  #scanBody(reader: Reader, end: number, localCount: number): void {
    const { bytes } = reader;
    const { events, calls } = this.code;
    // No instruction is shorter than a byte: there is room for all events.
    events.reserve(end - reader.at);
    const { offsets, kinds, arguments: values, costs } = events;
    const decoders = decodings;
    const open = this.#open;
    const begins = this.#begins;
    const functionCount = this.#layout.functionTypes.length;
    /** Number of locals whose index has one byte. */
    const shortLocals = Math.min(localCount, 0x80);
    const globalCount = this.#layout.description.globals.length;
    open.push(Kind.block);
    begins.push(-1);
    let { at } = reader;
    /** Offset of the previous instruction. */
    let before = at;
    let cost = 0;
    let event = events.length;
    for (;;) {
      const opcode = bytes[at] ?? 0;
      const decoding = decoders[opcode];
      cost++;
      if (decoding === 7 satisfies typeof Decoding.local) {
        before = at;
        at += 2;
        if ((bytes[before + 1] ?? 0) < shortLocals) continue;
        reader.at = before + 1;
        const index = reader.u32("local");
        if (index >= localCount) throw missing("local", index, before + 1);
        at = reader.at;
        continue;
      }
      if (decoding === 2 satisfies typeof Decoding.number) {
        before = at;
        at += 2;
        if ((bytes[before + 1] ?? 0) < 0x80) continue;
        while ((bytes[at++] ?? 0) >= 0x80);
        if (at - before > 6) throw tooLong(before + 1);
        continue;
      }
      if (decoding === 1 satisfies typeof Decoding.plain) {
        before = at++;
        continue;
      }
      if (decoding === 3 satisfies typeof Decoding.memory) {
        before = at;
        at += 3;
        if ((bytes[before + 1] ?? 0) >= 0x40) at = endOfMemoryArgument(bytes, before + 1);
        else if ((bytes[before + 2] ?? 0) >= 0x80) at = endOfNumber(bytes, before + 2, 10);
        continue;
      }
      if (decoding === 6 satisfies typeof Decoding.global) {
        before = at;
        let index = bytes[at + 1] ?? 0;
        at += 2;
        if (index >= 0x80) {
          reader.at = before + 1;
          index = reader.u32("global");
          at = reader.at;
        }
        if (index >= globalCount) throw missing("global", index, before + 1);
        continue;
      }
      if (at >= end) throw malformed("a function ends inside a block", end);
      const previous = before;
      before = at++;
      let argument = 0;
      if (decoding === 5 satisfies typeof Decoding.indexedEvent) {
        argument = bytes[at++] ?? 0;
        if (argument >= 0x80) {
          reader.at = at - 1;
          argument = reader.u32("index");
          at = reader.at;
        }
      }
      offsets[event] = before;
      costs[event] = cost;
      kinds[event] = opcode;
      switch (opcode) {
        case 0x0b satisfies typeof Op.end:
          values[event++] = begins.pop() ?? -1;
          open.pop();
          cost = 0;
          if (open.length > 0) continue;
          events.length = event;
          reader.at = at;
          return;
        case 0x0c satisfies typeof Op.br:
        case 0x0d satisfies typeof Op.brIf:
          if (argument >= open.length) throw missing("label", argument, before + 1);
          break;
        case 0x10 satisfies typeof Op.call:
        case 0x12 satisfies typeof Op.returnCall:
          if (argument >= functionCount) throw missing("function", argument, before + 1);
          calls.push(event);
          break;
        case 0x02 satisfies typeof Op.block:
        case 0x03 satisfies typeof Op.loop:
        case 0x04 satisfies typeof Op.if:
        case 0x06 satisfies typeof Op.try:
          open.push(opcode);
          begins.push(event);
          if (bytes[at] === EMPTY_BLOCK) at++;
          else {
            reader.at = at;
            skipBlockType(reader);
            at = reader.at;
            const hasParameters = this.#hasParameters(before + 1);
            if (opcode === Op.loop && hasParameters) argument = LOOP_HAS_PARAMETERS;
          }
          break;
        case 0x05 satisfies typeof Op.else:
          this.#continueBlock(before, Kind.if, Kind.else);
          break;
        case 0x0f satisfies typeof Op.return:
        case 0x00 satisfies typeof Op.unreachable:
          break;
        case 0x14 satisfies typeof Op.callRef:
        case 0x15 satisfies typeof Op.returnCallRef:
          this.#checkType(argument, before);
          calls.push(event);
          kinds[event] = opcode === Op.callRef ? Kind.callIndirect : Kind.returnCallIndirect;
          break;
        case 0x08 satisfies typeof Op.throw:
        case 0x09 satisfies typeof Op.rethrow:
        case 0x0a satisfies typeof Op.throwRef:
          costs[event] = cost + throwCost;
          kinds[event] = Kind.throw;
          break;
        case 0x07 satisfies typeof Op.catch:
          this.#continueBlock(before, Kind.try, Kind.try);
          kinds[event] = Kind.catch;
          break;
        case 0x18 satisfies typeof Op.delegate:
          // The label counts from outside the try, as that of a branch after it would.
          if (open.pop() !== Kind.try) throw malformed("delegate ends no try", before);
          if (argument >= open.length) throw missing("label", argument, before + 1);
          argument = begins.pop() ?? -1;
          break;
        default:
          events.length = event;
          reader.at = at;
          this.#cost = cost;
          this.#scanRare(reader, opcode, before, previous);
          cost = this.#cost;
          at = reader.at;
          event = events.length;
          continue;
      }
      values[event++] = argument;
      cost = 0;
    }
  }

  /**
   * Reads the immediates of an instruction that `#scanBody` leaves; `before` is the previous one.
   */
  #scanRare(reader: Reader, opcode: number, at: number, before: number): void {
    switch (opcode) {
      case Op.tryTable:
        this.#hasParameters(at + 1);
        this.#checkCatchLabels(at);
        skipImmediates(reader, opcode, at);
        this.#open.push(Kind.tryTable);
        this.#begins.push(this.code.events.length);
        return this.#add(at, Kind.tryTable);
      case Op.callIndirect:
      case Op.returnCallIndirect: {
        const type = reader.u32("type");
        this.#checkType(type, at);
        reader.skipLeb(5, "table");
        this.code.calls.push(this.code.events.length);
        return this.#add(at, opcode, type);
      }
      case Op.brTable:
        for (let left = reader.count("labels", 0xffff_ffff) + 1; left > 0; left--) {
          this.#label(reader);
        }
        return this.#add(at, opcode);
      case Op.refFunc: {
        const index = reader.u32("function");
        if (index >= this.#layout.functionTypes.length) throw missing("function", index, at + 1);
        this.code.referenced.push(index);
        return this.#add(at, Kind.refFunc, index);
      }
      case Op.brOnNull:
      case Op.brOnNonNull:
        return this.#add(at, Kind.brOn, this.#label(reader));
      case Op.catchAll:
        this.#continueBlock(at, Kind.try, Kind.try);
        return this.#add(at, Kind.catch);
      case Op.memorySize:
        if (reader.u32("memory") === 0) this.#add(at, Kind.memorySize);
        return;
      case Op.memoryGrow:
        this.#cost += growCost;
        if (reader.u32("memory") === 0) this.#add(at, Kind.memoryGrow);
        return;
      case Op.tableSet:
        this.code.tableWrite ??= { instruction: "table.set", offset: at };
        break;
    }
    const second = skipImmediates(reader, opcode, at);
    const isWait = second === AtomicOp.wait32 || second === AtomicOp.wait64;
    const isBranch = second === GcOp.brOnCast || second === GcOp.brOnCastFail;
    if (opcode === Op.atomicPrefix && isWait) this.#add(at, Kind.wait);
    else if (opcode === Op.gcPrefix && isBranch) {
      const labelReader = new Reader(reader.bytes, labelOffset(reader.bytes, at));
      this.#add(at, Kind.brOn, this.#label(labelReader));
    } else if (opcode === Op.gcPrefix || opcode === Op.bulkPrefix) {
      this.#scanBulk(opcode, second, at, before);
    }
  }

  #scanBulk(opcode: number, second: number, at: number, before: number): void {
    const bulk = readBulk(this.#layout, { opcode, second, at });
    if (!bulk) return;
    const { instruction, effect } = bulk;
    if (effect === "writes table") this.code.tableWrite ??= { instruction, offset: at };
    if (effect === "drops segment") this.code.segmentDrop ??= { instruction, offset: at };
    if (!bulk.hasLength) return;
    this.#cost += bulkCost;
    const isSmall = this.#isSmallConstant(before) ? BULK_IS_SMALL : 0;
    this.#add(at, Kind.bulk, isSmall | (bulk.is64 ? BULK_IS_64 : 0));
  }

  /** Reports whether an `i32.const` or `i64.const` below 4096 stands at `at`. */
  #isSmallConstant(at: number): boolean {
    const { bytes } = this.#layout;
    if (bytes[at] !== Op.i32Const && bytes[at] !== Op.i64Const) return false;
    const first = bytes[at + 1] ?? 0;
    return first < 0x40 || (first >= 0x80 && (bytes[at + 2] ?? 0) < 0x20);
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

  /** Lets the open block continue as another kind: `if` as `else`. */
  #continueBlock(at: number, from: number, to: number): void {
    if (this.#open.pop() !== from) {
      throw malformed("else or catch is not in a block of its kind", at);
    }
    this.#open.push(to);
  }

  #label(reader: Reader): number {
    const at = reader.at;
    const label = reader.u32("label");
    if (label >= this.#open.length) throw missing("label", label, at);
    return label;
  }

  #checkType(type: number, at: number): void {
    if (type >= this.#layout.types.length) throw missing("type", type, at);
  }

  /** Labels of catch clauses count from outside the block. */
  #checkCatchLabels(at: number): void {
    for (const label of catchLabels(this.#layout.bytes, at)) {
      if (label >= this.#open.length) throw missing("label", label, at);
      const begin = this.#begins[this.#begins.length - 1 - label] ?? -1;
      if (begin >= 0 && this.code.events.kind(begin) === Kind.loop) {
        this.code.events.addFlag(begin, LOOP_IS_CAUGHT);
      }
    }
  }

  /** Reports whether a block has parameters. Throws if the type that it names does not exist. */
  #hasParameters(at: number): boolean {
    const reader = new Reader(this.#layout.bytes, at);
    if (beginsValueType(reader.bytes[at] ?? 0)) return false;
    // A negative number stands for no result; V8 takes it in any width.
    const index = reader.s33("block type");
    if (index < 0) return false;
    const type = this.#layout.types[index];
    if (!type) throw missing("type", index, at);
    return type.params.length > 0;
  }
}

function missing(what: string, index: number, at: number): Error {
  return malformed(`${what} ${index} does not exist`, at);
}
