import type { Code } from "./code.ts";
import { Events, Kind, LOOP_HAS_PARAMETERS } from "./events.ts";
import { Decoding, decodings, endOfMemoryArgument, endOfNumber, tooLong } from "./decoding.ts";
import { skipBlockType } from "../format/immediates.ts";
import { EMPTY_BLOCK, Op } from "../format/instructions.ts";
import { Ints } from "../format/ints.ts";
import { codeSection, type Layout } from "../format/layout.ts";
import { malformed, Reader } from "../format/reader.ts";
import { missing, OpenBlocks } from "./open_blocks.ts";
import { RareScanner } from "./scan_rare.ts";
import { ScannedFunctions } from "./scanned_functions.ts";
import { readValueType } from "../format/value_types.ts";

/** V8's limit of the locals of a function (https://webassembly.github.io/spec/js-api/#limits). */
const maxLocals = 50_000;

/** Cost of a throw, in plain instructions: the engine looks for the handler frame by frame. */
const throwCost = 1000;

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
  readonly #blocks: OpenBlocks;
  readonly #rare: RareScanner;

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
    this.#blocks = new OpenBlocks(layout);
    this.#rare = new RareScanner(layout, this.code, this.#blocks);
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
   * without a call (bench: `prepare`); `RareScanner` reads the rest.
   */
  #scanBody(reader: Reader, end: number, localCount: number): void {
    const { bytes } = reader;
    const { events, calls } = this.code;
    // No instruction is shorter than a byte: there is room for all events.
    events.reserve(end - reader.at);
    const { offsets, kinds, arguments: values, costs } = events;
    const decoders = decodings;
    const { kinds: open, begins } = this.#blocks;
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
            const hasParameters = this.#blocks.hasParameters(before + 1);
            if (opcode === Op.loop && hasParameters) argument = LOOP_HAS_PARAMETERS;
          }
          break;
        case 0x05 satisfies typeof Op.else:
          this.#blocks.continueAs(before, Kind.if, Kind.else);
          break;
        case 0x0f satisfies typeof Op.return:
        case 0x00 satisfies typeof Op.unreachable:
          break;
        case 0x14 satisfies typeof Op.callRef:
        case 0x15 satisfies typeof Op.returnCallRef:
          this.#blocks.checkType(argument, before);
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
          this.#blocks.continueAs(before, Kind.try, Kind.try);
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
          cost = this.#rare.scan(reader, { opcode, at: before, before: previous, cost });
          at = reader.at;
          event = events.length;
          continue;
      }
      values[event++] = argument;
      cost = 0;
    }
  }
}
