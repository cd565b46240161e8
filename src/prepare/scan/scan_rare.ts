import type { Code } from "./code.ts";
import { BULK_IS_64, BULK_IS_SMALL, BULK_MAKES_ARRAY, Kind, LOOP_IS_CAUGHT } from "./events.ts";
import { readBulk } from "./bulk.ts";
import { skipImmediates } from "../format/immediates.ts";
import { catchLabels, labelOffset } from "../format/labels.ts";
import { AtomicOp, GcOp, Op } from "../format/instructions.ts";
import type { Layout } from "../format/layout.ts";
import { Reader } from "../format/reader.ts";
import { missing, type OpenBlocks } from "./open_blocks.ts";

// Costs, in plain instructions.
/** `memory.grow` asks the system for memory. */
const growCost = 500;
/** A bulk instruction on up to `freeBulkLength` bytes or elements. */
const bulkCost = 64;

/**
 * An instruction at offset `at`, after one at `before`; `cost` since the last event, itself
 * included.
 */
interface RareInstruction {
  opcode: number;
  at: number;
  before: number;
  cost: number;
}

/** Scans the instructions that are rare, or have an event only in some forms. */
export class RareScanner {
  readonly #layout: Layout;
  readonly #code: Code;
  readonly #blocks: OpenBlocks;
  #cost = 0;

  constructor(layout: Layout, code: Code, blocks: OpenBlocks) {
    this.#layout = layout;
    this.#code = code;
    this.#blocks = blocks;
  }

  /** Reads the immediates of an instruction. Returns the cost since the last event. */
  scan(reader: Reader, { opcode, at, before, cost }: RareInstruction): number {
    this.#cost = cost;
    this.#scan(reader, opcode, at, before);
    return this.#cost;
  }

  #scan(reader: Reader, opcode: number, at: number, before: number): void {
    switch (opcode) {
      case Op.tryTable:
        this.#blocks.hasParameters(at + 1);
        this.#checkCatchLabels(at);
        skipImmediates(reader, opcode, at);
        this.#blocks.open(Kind.tryTable, this.#code.events.length);
        return this.#add(at, Kind.tryTable);
      case Op.callIndirect:
      case Op.returnCallIndirect: {
        const type = reader.u32("type");
        this.#blocks.checkType(type, at);
        reader.skipLeb(5, "table");
        this.#code.calls.push(this.#code.events.length);
        return this.#add(at, opcode, type);
      }
      case Op.brTable:
        for (let left = reader.count("labels", 0xffff_ffff) + 1; left > 0; left--) {
          this.#blocks.readLabel(reader);
        }
        return this.#add(at, opcode);
      case Op.refFunc: {
        const index = reader.u32("function");
        if (index >= this.#layout.functionTypes.length) throw missing("function", index, at + 1);
        this.#code.referenced.push(index);
        return this.#add(at, Kind.refFunc, index);
      }
      case Op.brOnNull:
      case Op.brOnNonNull:
        return this.#add(at, Kind.brOn, this.#blocks.readLabel(reader));
      case Op.catchAll:
        this.#blocks.continueAs(at, Kind.try, Kind.try);
        return this.#add(at, Kind.catch);
      case Op.memorySize:
        if (reader.u32("memory") === 0) this.#add(at, Kind.memorySize);
        return;
      case Op.memoryGrow:
        this.#cost += growCost;
        if (reader.u32("memory") === 0) this.#add(at, Kind.memoryGrow);
        return;
      case Op.tableSet:
        this.#code.tableWrite ??= { instruction: "table.set", offset: at };
        break;
    }
    const second = skipImmediates(reader, opcode, at);
    const isWait = second === AtomicOp.wait32 || second === AtomicOp.wait64;
    const isBranch = second === GcOp.brOnCast || second === GcOp.brOnCastFail;
    if (opcode === Op.atomicPrefix && isWait) this.#add(at, Kind.wait);
    else if (opcode === Op.gcPrefix && isBranch) {
      const labelReader = new Reader(reader.bytes, labelOffset(reader.bytes, at));
      this.#add(at, Kind.brOn, this.#blocks.readLabel(labelReader));
    } else if (opcode === Op.gcPrefix || opcode === Op.bulkPrefix) {
      this.#scanBulk(opcode, second, at, before);
    }
  }

  #scanBulk(opcode: number, second: number, at: number, before: number): void {
    const bulk = readBulk(this.#layout, { opcode, second, at });
    if (!bulk) return;
    const { instruction, effect } = bulk;
    if (effect === "writes table") this.#code.tableWrite ??= { instruction, offset: at };
    if (effect === "drops segment") this.#code.segmentDrop ??= { instruction, offset: at };
    if (!bulk.hasLength) return;
    this.#cost += bulkCost;
    const isSmall = this.#isSmallConstant(before) ? BULK_IS_SMALL : 0;
    const makesArray = bulk.makesArray ? BULK_MAKES_ARRAY : 0;
    this.#add(at, Kind.bulk, isSmall | (bulk.is64 ? BULK_IS_64 : 0) | makesArray);
  }

  /** Reports whether an `i32.const` or `i64.const` below 4096 stands at `at`. */
  #isSmallConstant(at: number): boolean {
    const { bytes } = this.#layout;
    if (bytes[at] !== Op.i32Const && bytes[at] !== Op.i64Const) return false;
    const first = bytes[at + 1] ?? 0;
    return first < 0x40 || (first >= 0x80 && (bytes[at + 2] ?? 0) < 0x20);
  }

  #add(at: number, kind: number, argument = 0): void {
    const { events } = this.#code;
    const event = events.length++;
    events.offsets[event] = at;
    events.kinds[event] = kind;
    events.arguments[event] = argument;
    events.costs[event] = this.#cost;
    this.#cost = 0;
  }

  /** Labels of catch clauses count from outside the block. */
  #checkCatchLabels(at: number): void {
    for (const label of catchLabels(this.#layout.bytes, at)) {
      if (label >= this.#blocks.kinds.length) throw missing("label", label, at);
      const begin = this.#blocks.begins[this.#blocks.begins.length - 1 - label] ?? -1;
      if (begin >= 0 && this.#code.events.kind(begin) === Kind.loop) {
        this.#code.events.addFlag(begin, LOOP_IS_CAUGHT);
      }
    }
  }
}
