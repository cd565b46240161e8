import { exitImport, PAGES_EXPORT, pagesImport } from "../contract.ts";
import type { Copier } from "./copier.ts";
import { readCatch, skipBlockType } from "../format/immediates.ts";
import { Op } from "../format/instructions.ts";
import { labelOffset } from "../format/labels.ts";
import type { Layout } from "../format/layout.ts";
import { Reader } from "../format/reader.ts";
import { valueTypeCode } from "../format/value_types.ts";
import { LabelStack } from "./label_stack.ts";
import { LoopWriter } from "./write_loops.ts";
import { CHARGE, CHARGE_ARRAY, CHARGE_LONG, GROW } from "../plan/added_names.ts";
import type { AddedIndices, Edits } from "../plan/edits.ts";
import { Mark } from "../plan/marks.ts";
import { BULK_IS_64, BULK_MAKES_ARRAY, Kind } from "../scan/events.ts";
import type { Code } from "../scan/code.ts";
import { CheckWriter } from "./write_checks.ts";

interface Context {
  layout: Layout;
  code: Code;
  edits: Edits;
  indices: AddedIndices;
}

/** Locals that are added to a function for its edits, by their types. */
export type Temporaries = ReadonlyMap<"i32" | "i64", number>;

/**
 * Writes the instructions of one function after the other: copies what lies between marked events,
 * and renumbers functions and labels.
 */
export class InstructionWriter {
  readonly #copier: Copier;
  readonly #context: Context;
  readonly #checks: CheckWriter;
  readonly #labels = new LabelStack();
  readonly #loops: LoopWriter;
  readonly #shift: number;
  #temporaries: Temporaries = new Map();

  constructor(copier: Copier, context: Context) {
    this.#copier = copier;
    this.#context = context;
    this.#checks = new CheckWriter(copier.out, context.indices);
    this.#loops = new LoopWriter({
      copier,
      labels: this.#labels,
      checks: this.#checks,
      code: context.code,
      plan: context.edits.code,
      writeEvents: (first, last) => this.#writeEvents(first, last),
    });
    this.#shift = context.edits.imports.length;
  }

  /**
   * Writes the body of a defined function, with `temporaries` as additional locals. `isCompact`
   * makes its checks calls, which are shorter and slower.
   */
  write(index: number, temporaries: Temporaries, isCompact = false): void {
    this.#checks.isCompact = isCompact;
    const { functions } = this.#context.code;
    this.#copier.from = functions.start[index] ?? 0;
    this.#temporaries = temporaries;
    if (temporaries.size > 0) this.#addLocals(functions.codeStart[index] ?? 0);
    this.#labels.open(-1);
    this.#writeEvents(functions.firstEvent[index] ?? 0, functions.firstEvent[index + 1] ?? 0);
    this.#copier.copyUpTo(functions.sizeAt[index + 1] ?? 0);
  }

  #addLocals(codeStart: number): void {
    const { out, bytes, from } = this.#copier;
    const reader = new Reader(bytes, from);
    const groups = reader.u32("groups of locals");
    out.u32(groups + this.#temporaries.size, reader.at - from);
    this.#copier.from = reader.at;
    this.#copier.copyUpTo(codeStart);
    for (const type of this.#temporaries.keys()) out.bytes([1, valueTypeCode(type)]);
  }

  #writeEvents(first: number, last: number): void {
    const { events } = this.#context.code;
    const { kinds, arguments: values, offsets } = events;
    const { indices, edits: { calls, code: { marks } }, layout: { importedFunctions } } =
      this.#context;
    const shift = this.#shift;
    const { patched } = this.#copier;
    const labels = this.#labels;
    const { targets, begins } = labels;
    for (let event = first; event < last; event++) {
      const mark = marks[event] ?? 0;
      const argument = values[event] ?? 0;
      switch (kinds[event]) {
        case 0x0b satisfies typeof Kind.end:
          if (mark !== 0) this.#writeBefore(event, mark);
          labels.depth--;
          targets.pop();
          begins.pop();
          if (argument >= 0 && ((marks[argument] ?? 0) & Mark.split) !== 0) {
            this.#loops.endSplit(event);
          }
          break;
        case 0x0d satisfies typeof Kind.brIf:
        case 0x0c satisfies typeof Kind.br:
          if (mark !== 0) this.#loops.branch(event, mark);
          else {
            const at = (offsets[event] ?? 0) + 1;
            const label = labels.depth - (targets[targets.length - 1 - argument] ?? 0);
            if (label < 0x80 && (patched[at] ?? 0) < 0x80) patched[at] = label;
            else this.#copier.replaceNumber(at, label);
          }
          break;
        case 0x02 satisfies typeof Kind.block:
        case 0x04 satisfies typeof Kind.if:
        case 0x06 satisfies typeof Kind.try:
          if (mark !== 0) this.#writeBefore(event, mark);
          targets.push(++labels.depth);
          begins.push(event);
          break;
        case 0x10 satisfies typeof Kind.call:
        case 0x12 satisfies typeof Kind.returnCall:
        case 0x14 satisfies typeof Kind.refFunc:
          if (mark !== 0) this.#writeBefore(event, mark);
          if ((mark & Mark.quietExit) !== 0) this.#writeQuietExit(event);
          else if (calls.size > 0 && calls.has(event)) {
            this.#copier.replaceNumber(
              events.offset(event) + 1,
              indices.functions.get(calls.get(event) ?? "") ?? 0,
            );
          } else if (shift > 0 && argument >= importedFunctions) {
            const at = (offsets[event] ?? 0) + 1;
            const index = argument + shift;
            if (index < 0x80 && (patched[at] ?? 0) < 0x80) patched[at] = index;
            else this.#copier.replaceNumber(at, index);
          }
          break;
        case 0x1f satisfies typeof Kind.tryTable:
          if (mark !== 0) this.#writeBefore(event, mark);
          this.#writeCatchLabels(event);
          labels.open(event);
          break;
        case 0x03 satisfies typeof Kind.loop:
          if (mark !== 0) this.#writeBefore(event, mark);
          if ((mark & Mark.unroll) !== 0) event = this.#loops.unrolled(event);
          else if ((mark & Mark.split) !== 0) this.#loops.beginSplit(event);
          else labels.open(event);
          break;
        case 0x18 satisfies typeof Kind.delegate:
          if (mark !== 0) this.#writeBefore(event, mark);
          labels.close();
          this.#writeLabels(1, events.offset(event) + 1);
          break;
        case 0x0e satisfies typeof Kind.brTable: {
          if (mark !== 0) this.#writeBefore(event, mark);
          const reader = new Reader(this.#copier.bytes, events.offset(event) + 1);
          this.#writeLabels(reader.u32("labels") + 1, reader.at);
          break;
        }
        case 0x08 satisfies typeof Kind.throw:
          if (mark !== 0) this.#writeBefore(event, mark);
          if (this.#copier.bytes[events.offset(event)] === Op.rethrow) {
            this.#writeLabels(1, events.offset(event) + 1);
          }
          break;
        case 0x19 satisfies typeof Kind.brOn:
          if (mark !== 0) this.#writeBefore(event, mark);
          this.#writeLabels(1, labelOffset(this.#copier.bytes, events.offset(event)));
          break;
        case 0x16 satisfies typeof Kind.memorySize:
        case 0x17 satisfies typeof Kind.memoryGrow:
          if (mark !== 0) this.#writeBefore(event, mark);
          if ((mark & Mark.visiblePages) !== 0) this.#writeVisiblePages(event);
          break;
        case 0x1a satisfies typeof Kind.wait:
          if (mark !== 0) this.#writeBefore(event, mark & ~Mark.hostWait);
          if ((mark & Mark.hostWait) !== 0) this.#writeWait(event);
          break;
        default:
          if (mark !== 0) this.#writeBefore(event, mark);
      }
    }
  }

  /** Writes the checks that stand before the instruction of an event. */
  #writeBefore(event: number, mark: number): void {
    const { code: { events }, edits } = this.#context;
    this.#copier.copyUpTo(events.offset(event));
    if ((mark & Mark.check) !== 0) this.#checks.check(edits.code.weights[event] ?? 0);
    if ((mark & Mark.chargeBulk) !== 0) {
      const flags = events.argument(event);
      const is64 = (flags & BULK_IS_64) !== 0;
      const charge = (flags & BULK_MAKES_ARRAY) !== 0 ? CHARGE_ARRAY : is64 ? CHARGE_LONG : CHARGE;
      this.#checks.charge(charge, this.#temporaries.get(is64 ? "i64" : "i32") ?? 0);
    }
  }

  #writeQuietExit(event: number): void {
    const at = this.#context.code.events.offset(event) + 1;
    this.#checks.call(exitImport.name);
    this.#copier.out.byte(Op.return);
    this.#copier.skipNumber(at);
  }

  /** Replaces `memory.size` by the number of pages that the guest sees, `memory.grow` by a call. */
  #writeVisiblePages(event: number): void {
    const { code: { events }, indices } = this.#context;
    const at = events.offset(event) + 1;
    const pages = indices.globals.get(PAGES_EXPORT);
    if (events.kind(event) === Kind.memoryGrow) this.#checks.call(GROW);
    else if (pages !== undefined) {
      this.#copier.out.byte(Op.globalGet);
      this.#copier.out.u32(pages);
    } else {
      this.#copier.out.bytes([Op.i32Const, 0]);
      this.#checks.call(pagesImport.name);
    }
    this.#copier.skipNumber(at);
  }

  /** Replaces a wait for another thread; its three operands are on the stack. */
  #writeWait(event: number): void {
    const { layout, code: { events } } = this.#context;
    const at = events.offset(event);
    const reader = new Reader(layout.bytes, at + 1);
    reader.u32("opcode");
    const alignment = reader.u32("alignment");
    if ((alignment & 0x40) !== 0) reader.u32("memory index");
    reader.skipLeb(10, "offset");
    this.#checks.wait(this.#temporaries.get("i64") ?? 0, () => this.#copier.copyUpTo(reader.at));
  }

  /** Translates `count` labels, which stand one after the other at `at`. */
  #writeLabels(count: number, at: number): void {
    const reader = new Reader(this.#copier.bytes, at);
    for (let left = count; left > 0; left--) {
      const start = reader.at;
      const label = reader.u32("label");
      this.#copier.replaceNumber(start, this.#labels.translate(label));
    }
  }

  #writeCatchLabels(event: number): void {
    const { bytes } = this.#copier;
    const reader = new Reader(bytes, this.#context.code.events.offset(event) + 1);
    skipBlockType(reader);
    for (let left = reader.u32("catch clauses"); left > 0; left--) {
      const label = readCatch(reader);
      // The byte before the label ends another number or is the kind of the clause: below 0x80.
      let start = reader.at - 1;
      while ((bytes[start - 1] ?? 0) >= 0x80) start--;
      this.#copier.replaceNumber(start, this.#labels.translate(label));
    }
  }
}
