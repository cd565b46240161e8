import { exitImport, PAGES_EXPORT } from "../contract.ts";
import type { AddedIndices, Edits } from "../plan/edits.ts";
import { Kind } from "../scan/events.ts";
import { readCatch } from "../format/immediates.ts";
import { EMPTY_BLOCK, Op } from "../format/instructions.ts";
import type { Layout } from "../format/layout.ts";
import { copies, Mark } from "../plan/marks.ts";
import { Reader } from "../format/reader.ts";
import type { Moves } from "./moves.ts";
import type { Code } from "../scan/scan.ts";
import { GROW, TICK } from "../plan/added_names.ts";
import { CheckWriter } from "./write_checks.ts";
import { widthOf, type Writer } from "../format/writer.ts";

interface Context {
  layout: Layout;
  code: Code;
  edits: Edits;
  indices: AddedIndices;
  moves: Moves;
}

/**
 * Writes the instructions of one function after the other, copying what lies between the events that are marked. Blocks that are added
 * move labels, so it keeps a list of the blocks that are open in the old code, with their depths in the new.
 *
 * Nearly every edit is a number that keeps its width. It is put into a copy of the old file, from which the rest is then
 * copied in long spans; where a loop stands several times, each time its numbers are put there again.
 */
export class InstructionWriter {
  readonly #out: Writer;
  readonly #context: Context;
  readonly #checks: CheckWriter;
  readonly #bytes: Uint8Array;
  /** The old file with numbers replaced; what was there is read from `#bytes` alone. */
  readonly #patched: Uint8Array;
  readonly #shift: number;
  /** Number of the function. */
  #function = 0;
  /** First byte of the old file that is not copied yet. */
  #from = 0;
  /** Where the new body starts in `out`. */
  #bodyAt = 0;
  /** An i32 local for edits, when one needs it. */
  #temporary = 0;
  /** A body that stands several times moves to several places: notes are taken of the last. */
  #isCopy = false;

  /** Number of blocks that are open in the new code. */
  #depth = 0;
  // The blocks that are open in the old code: where a branch to them goes in the new code, and the events that began them.
  readonly #targets: number[] = [];
  readonly #begins: number[] = [];

  constructor(out: Writer, context: Context) {
    this.#out = out;
    this.#context = context;
    this.#checks = new CheckWriter(out, context.indices, () => {
      context.moves.checks.push(this.#function);
      context.moves.checks.push(out.length - this.#bodyAt);
    });
    this.#bytes = context.layout.bytes;
    this.#patched = context.layout.bytes.slice();
    this.#shift = context.edits.imports.length;
  }

  /** Writes the body of a function, with one more local when `temporary` is its index. */
  write(index: number, temporary: number | undefined): void {
    const { functions } = this.#context.code;
    this.#function = index;
    this.#bodyAt = this.#out.length;
    this.#from = functions.start[index] ?? 0;
    if (temporary !== undefined) this.#addLocal(temporary);
    this.#open(-1);
    this.#writeEvents(functions.firstEvent[index] ?? 0, functions.firstEvent[index + 1] ?? 0);
    this.#copyUpTo(functions.sizeAt[index + 1] ?? 0);
  }

  #addLocal(index: number): void {
    this.#temporary = index;
    const reader = new Reader(this.#bytes, this.#from);
    const groups = reader.u32("groups of locals");
    this.#out.u32(groups + 1, reader.at - this.#from);
    this.#from = reader.at;
    this.#copyUpTo(this.#context.code.functions.codeStart[this.#function] ?? 0);
    this.#out.bytes([1, 0x7f]);
    this.#noteMove();
  }

  #writeEvents(first: number, last: number): void {
    const { events } = this.#context.code;
    const { kinds, arguments: values, offsets } = events;
    const { indices, edits: { calls, code: { marks, weights } }, layout: { importedFunctions } } =
      this.#context;
    const shift = this.#shift;
    const patched = this.#patched;
    const targets = this.#targets;
    const begins = this.#begins;
    for (let event = first; event < last; event++) {
      const mark = marks[event] ?? 0;
      const argument = values[event] ?? 0;
      switch (kinds[event]) {
        case 0x0b satisfies typeof Kind.end:
          if (mark !== 0) this.#makeBefore(event, mark);
          this.#depth--;
          targets.pop();
          begins.pop();
          if (argument >= 0 && ((marks[argument] ?? 0) & Mark.split) !== 0) this.#endSplit(event);
          break;
        case 0x0d satisfies typeof Kind.brIf:
        case 0x0c satisfies typeof Kind.br:
          if (mark !== 0) this.#writeBranch(event, mark, weights[event] ?? 0);
          else {
            const at = (offsets[event] ?? 0) + 1;
            const label = this.#depth - (targets[targets.length - 1 - argument] ?? 0);
            if (label < 0x80 && (patched[at] ?? 0) < 0x80) patched[at] = label;
            else this.#replaceNumber(at, label);
          }
          break;
        case 0x02 satisfies typeof Kind.block:
        case 0x04 satisfies typeof Kind.if:
        case 0x06 satisfies typeof Kind.try:
          if (mark !== 0) this.#makeBefore(event, mark);
          targets.push(++this.#depth);
          begins.push(event);
          break;
        case 0x10 satisfies typeof Kind.call:
        case 0x12 satisfies typeof Kind.returnCall:
        case 0x14 satisfies typeof Kind.refFunc:
          if (mark !== 0) this.#makeBefore(event, mark);
          if ((mark & Mark.quietExit) !== 0) this.#writeQuietExit(event);
          else if (calls.size > 0 && calls.has(event)) {
            this.#replaceNumber(
              events.offset(event) + 1,
              indices.functions.get(calls.get(event) ?? "") ?? 0,
            );
          } else if (shift > 0 && argument >= importedFunctions) {
            const at = (offsets[event] ?? 0) + 1;
            const index = argument + shift;
            if (index < 0x80 && (patched[at] ?? 0) < 0x80) patched[at] = index;
            else this.#replaceNumber(at, index);
          }
          break;
        case 0x1f satisfies typeof Kind.tryTable:
          if (mark !== 0) this.#makeBefore(event, mark);
          this.#writeCatchLabels(event);
          this.#open(event);
          break;
        case 0x03 satisfies typeof Kind.loop:
          if (mark !== 0) this.#makeBefore(event, mark);
          if ((mark & Mark.unroll) !== 0) event = this.#writeUnrolled(event);
          else if ((mark & Mark.split) !== 0) this.#beginSplit(event);
          else this.#open(event);
          break;
        case 0x18 satisfies typeof Kind.delegate:
          if (mark !== 0) this.#makeBefore(event, mark);
          this.#close();
          this.#writeLabels(event, 1);
          break;
        case 0x0e satisfies typeof Kind.brTable: {
          if (mark !== 0) this.#makeBefore(event, mark);
          const reader = new Reader(this.#bytes, events.offset(event) + 1);
          this.#writeLabels(event, reader.u32("labels") + 1, reader.at);
          break;
        }
        case 0x08 satisfies typeof Kind.throw:
          if (mark !== 0) this.#makeBefore(event, mark);
          if (this.#bytes[events.offset(event)] === Op.rethrow) this.#writeLabels(event, 1);
          break;
        case 0x16 satisfies typeof Kind.memorySize:
        case 0x17 satisfies typeof Kind.memoryGrow:
          if (mark !== 0) this.#makeBefore(event, mark);
          if ((mark & Mark.visiblePages) !== 0) this.#writeVisiblePages(event);
          break;
        default:
          if (mark !== 0) this.#makeBefore(event, mark);
      }
    }
  }

  /** Writes what goes before the instruction of an event. */
  #makeBefore(event: number, mark: number): void {
    const { code, edits } = this.#context;
    this.#copyUpTo(code.events.offset(event));
    if ((mark & Mark.check) !== 0) this.#checks.check(edits.code.weights[event] ?? 0);
    if ((mark & Mark.chargeBulk) !== 0) this.#checks.charge(this.#temporary);
    this.#noteMove();
  }

  /** A `br` or `br_if`, with the check that is due on a branch back to a loop. */
  #writeBranch(event: number, mark: number, weight: number): void {
    const { code: { events }, edits } = this.#context;
    const out = this.#out;
    const label = events.arguments[event] ?? 0;
    const at = events.offsets[event] ?? 0;
    const begin = this.#begins[this.#begins.length - 1 - label] ?? -1;
    const loop = begin >= 0 && events.kinds[begin] === Kind.loop ? edits.code.marks[begin] ?? 0 : 0;
    const isConditional = events.kinds[event] === Kind.brIf;
    // The branches of all copies but the last lead to the next one.
    const isCheck = (mark & (Mark.check | Mark.checkedBranch)) !== 0 &&
      !((loop & Mark.unroll) !== 0 && this.#isCopy);
    const isSplit = (loop & Mark.split) !== 0 && !(isConditional && (mark & Mark.check) !== 0);
    if (!isCheck) return this.#writeLabels(event, 1);
    const charge = (loop & Mark.unroll) !== 0 ? weight * copies : weight;
    this.#copyUpTo(at);
    if (!isSplit && (mark & Mark.check) !== 0) {
      this.#checks.check(charge);
      this.#noteMove();
      return this.#writeLabels(event, 1);
    }
    this.#noteMove();
    if (isConditional) {
      out.bytes([Op.if, EMPTY_BLOCK]);
      this.#depth++;
    }
    const labelNow = this.#labelNow(label);
    if (isSplit) {
      // counter -= weight; if (counter >= 0) continue loop; else leave for the block outside that renews it.
      this.#checks.compare(charge, Op.i32GreaterOrEqualSigned);
      out.byte(Op.brIf);
      out.u32(labelNow);
      out.byte(Op.br);
      out.u32(labelNow + 1);
    } else {
      this.#checks.check(charge);
      out.byte(Op.br);
      out.u32(labelNow);
    }
    if (isConditional) {
      out.byte(Op.end);
      this.#depth--;
    }
    this.#from = at + 1 + this.#widthAt(at + 1);
    this.#noteMove();
  }

  /**
   * Begins a loop that is split, and ends it:
   *
   *     block $exit
   *       loop $again
   *         block $renew
   *           loop … the loop as it was; a branch back that finds the counter used up goes to $renew … end
   *           br $exit
   *         end
   *         call $tick
   *         br $again
   *       end
   *     end
   */
  #beginSplit(event: number): void {
    const at = this.#context.code.events.offset(event);
    this.#copyUpTo(at);
    const out = this.#out;
    for (const opcode of [Op.block, Op.loop]) {
      out.byte(opcode);
      out.span(this.#bytes, at + 1, at + 1 + this.#widthAt(at + 1));
    }
    out.bytes([Op.block, EMPTY_BLOCK]);
    this.#depth += 3;
    this.#noteMove();
    this.#open(event);
  }

  #endSplit(event: number): void {
    this.#copyUpTo(this.#context.code.events.offset(event) + 1);
    this.#out.bytes([Op.br, 2, Op.end]);
    this.#checks.call(TICK);
    this.#out.bytes([Op.br, 0, Op.end, Op.end]);
    this.#depth -= 3;
    this.#noteMove();
  }

  /**
   * Writes a loop with its body `copies` times, and returns the event of its end:
   *
   *     block $exit
   *       loop
   *         block $next … the body; a branch back goes to $next … br $exit end
   *         (and so on)
   *         … the body, whose branches back are checked …
   *       end
   *     end
   */
  #writeUnrolled(event: number): number {
    const { events } = this.#context.code;
    const at = events.offset(event);
    const bodyAt = at + 1 + this.#widthAt(at + 1);
    let last = event + 1;
    while (events.kinds[last] !== Kind.end || events.arguments[last] !== event) last++;
    const out = this.#out;
    this.#copyUpTo(at);
    out.byte(Op.block);
    out.span(this.#bytes, at + 1, bodyAt);
    this.#depth++;
    this.#copyUpTo(bodyAt);
    this.#open(event);
    const loopDepth = this.#depth;
    // All copies but the last are alike: one is written, and its bytes stand again and again.
    const { checks } = this.#context.moves;
    const [copyAt, firstCheck] = [out.length, checks.length];
    this.#isCopy = true;
    out.bytes([Op.block, EMPTY_BLOCK]);
    this.#depth++;
    this.#targets[this.#targets.length - 1] = this.#depth;
    this.#writeEvents(event + 1, last);
    this.#copyUpTo(events.offset(last));
    out.bytes([Op.br, 2, Op.end]);
    this.#depth--;
    this.#from = bodyAt;
    this.#isCopy = false;
    const [copyBytes, nextCheck] = [out.length - copyAt, checks.length];
    out.repeat(copyAt, copies - 2);
    for (let copy = 1; copy < copies - 1; copy++) {
      for (let check = firstCheck; check < nextCheck; check += 2) {
        checks.push(checks.at(check));
        checks.push(checks.at(check + 1) + copy * copyBytes);
      }
    }
    this.#targets[this.#targets.length - 1] = loopDepth;
    this.#noteMove();
    this.#writeEvents(event + 1, last);
    this.#copyUpTo(events.offset(last) + 1);
    this.#close();
    out.byte(Op.end);
    this.#depth--;
    this.#noteMove();
    return last;
  }

  #writeQuietExit(event: number): void {
    const at = this.#context.code.events.offset(event) + 1;
    this.#checks.call(exitImport.name);
    this.#out.byte(Op.return);
    this.#from = at + this.#widthAt(at);
    this.#noteMove();
  }

  /** `memory.size` becomes a look at the pages that the guest sees, `memory.grow` a call. */
  #writeVisiblePages(event: number): void {
    const { code: { events }, indices } = this.#context;
    const at = events.offset(event) + 1;
    if (events.kind(event) === Kind.memorySize) {
      this.#out.byte(Op.globalGet);
      this.#out.u32(indices.globals.get(PAGES_EXPORT) ?? 0);
    } else this.#checks.call(GROW);
    this.#from = at + this.#widthAt(at);
    this.#noteMove();
  }

  /** Puts `count` labels right, which stand one after the other at `at`. */
  #writeLabels(
    event: number,
    count: number,
    at = this.#context.code.events.offset(event) + 1,
  ): void {
    const reader = new Reader(this.#bytes, at);
    for (let left = count; left > 0; left--) {
      const start = reader.at;
      const label = reader.u32("label");
      this.#replaceNumber(start, this.#labelNow(label));
    }
  }

  #writeCatchLabels(event: number): void {
    const reader = new Reader(this.#bytes, this.#context.code.events.offset(event) + 1);
    reader.skipLeb(5, "block type");
    for (let left = reader.u32("catch clauses"); left > 0; left--) {
      const label = readCatch(reader);
      // The byte before the label ends another number or is the kind of the clause: it is below 0x80.
      let start = reader.at - 1;
      while ((this.#bytes[start - 1] ?? 0) >= 0x80) start--;
      this.#replaceNumber(start, this.#labelNow(label));
    }
  }

  /** What `label` of the old code is in the new code, here. */
  #labelNow(label: number): number {
    return this.#depth - (this.#targets[this.#targets.length - 1 - label] ?? 0);
  }

  #replaceNumber(at: number, value: number): void {
    const width = this.#widthAt(at);
    if (widthOf(value) <= width) {
      const patched = this.#patched;
      let rest = value;
      for (let byte = at; byte < at + width - 1; byte++) {
        patched[byte] = (rest & 0x7f) | 0x80;
        rest >>>= 7;
      }
      patched[at + width - 1] = rest;
      return;
    }
    this.#copyUpTo(at);
    this.#out.u32(value, width);
    this.#from = at + width;
    this.#noteMove();
  }

  #open(event: number): void {
    this.#depth++;
    this.#targets.push(this.#depth);
    this.#begins.push(event);
  }

  #close(): void {
    this.#depth--;
    this.#targets.pop();
    this.#begins.pop();
  }

  #copyUpTo(offset: number): void {
    if (offset > this.#from) this.#out.span(this.#patched, this.#from, offset);
    this.#from = offset;
  }

  /** What follows in the old file is now this much further from the start of its function. */
  #noteMove(): void {
    const { moves: { distances }, code } = this.#context;
    if (!distances || this.#isCopy) return;
    distances.push(this.#from);
    distances.push(
      this.#out.length - this.#bodyAt - (this.#from - (code.functions.start[this.#function] ?? 0)),
    );
  }

  /** Bytes of the LEB128 number at `at`. */
  #widthAt(at: number): number {
    let width = 1;
    while ((this.#bytes[at + width - 1] ?? 0) >= 0x80) width++;
    return width;
  }
}
