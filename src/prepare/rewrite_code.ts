import { exitImport } from "./contract.ts";
import { type AddedIndices, EditKind, type Edits } from "./edits.ts";
import { Kind } from "./events.ts";
import { CHARGE, freeBulkLength, TICK } from "./steps.ts";
import { EMPTY_BLOCK, Op } from "./instructions.ts";
import { Ints } from "./ints.ts";
import type { Layout } from "./layout.ts";
import { Reader } from "./reader.ts";
import type { Code } from "./scan.ts";
import { SectionId } from "./sections.ts";
import { Writer } from "./writer.ts";

/** The code of the rewritten module, and what sections that point into it need to know. */
export interface RewrittenCode {
  /** Content of the code section. */
  content: Uint8Array<ArrayBuffer>;
  moves: Moves;
}

/**
 * How far instructions moved inside of their function: pairs of an offset in the old file and the distance from there on, and pairs of a
 * defined function's number and the place of a check's `if`, which hardly ever runs, in its new body.
 */
export interface Moves {
  distances: Ints;
  checks: Ints;
}

export function rewriteCode(layout: Layout, code: Code, edits: Edits, indices: AddedIndices): RewrittenCode {
  const writer = new CodeWriter(layout, code, edits, indices);
  writer.run();
  return { content: writer.out.finish(), moves: writer.moves };
}

class CodeWriter {
  readonly moves: Moves = { distances: new Ints(), checks: new Ints() };
  readonly out: Writer;
  readonly #layout: Layout;
  readonly #code: Code;
  readonly #edits: Edits;
  readonly #indices: AddedIndices;
  readonly #shift: number;
  /** The next edit to make. */
  #edit = 0;
  /** First byte of the old file that is not copied yet. */
  #from = 0;
  /** Where the body that is being written starts in `out`. */
  #bodyAt = 0;
  #function = 0;
  /** A local of the function that edits may use, if one of them does. */
  #temporary = 0;

  constructor(layout: Layout, code: Code, edits: Edits, indices: AddedIndices) {
    this.#layout = layout;
    this.#code = code;
    this.#edits = edits;
    this.#indices = indices;
    this.#shift = edits.imports.length;
    this.out = new Writer(layout.bytes.length * 1.25 + 1024);
  }

  run(): void {
    const { out } = this;
    const { functions } = this.#code;
    const defined = functions.length - 1;
    const section = this.#layout.sections.find((section) => section.id === SectionId.code);
    const width = section && defined > 0 ? functions.sizeAt(0) - section.start : 1;
    out.u32(defined + this.#edits.functions.length, width);
    for (let index = 0; index < defined; index++) this.#writeFunction(index);
    for (const { body } of this.#edits.functions) {
      out.sized(1, () => out.bytes(body(this.#indices)));
    }
  }

  #writeFunction(index: number): void {
    const { functions } = this.#code;
    const [sizeAt, start, end] = [
      functions.sizeAt(index),
      functions.start(index),
      functions.sizeAt(index + 1),
    ];
    const { code } = this.#edits;
    const hasEdits = this.#edit < code.length && code.offset(this.#edit) < end;
    if (!hasEdits && this.#shift === 0) {
      this.out.span(this.#layout.bytes, sizeAt, end);
      return;
    }
    this.#function = index;
    this.out.sized(start - sizeAt, () => {
      this.#bodyAt = this.out.length;
      this.#from = start;
      if (hasEdits && this.#needsLocal(end)) this.#addLocal(index);
      this.#writeInstructions(index);
      this.out.span(this.#layout.bytes, this.#from, end);
    });
  }

  #writeInstructions(index: number): void {
    const { events, functions } = this.#code;
    const { code } = this.#edits;
    const last = functions.firstEvent(index + 1);
    const imported = this.#layout.importedFunctions;
    for (let event = functions.firstEvent(index); event < last; event++) {
      const offset = events.offset(event);
      const kind = events.kind(event);
      let isWritten = false;
      for (; this.#edit < code.length && code.offset(this.#edit) === offset; this.#edit++) {
        this.#copyUpTo(offset);
        isWritten = this.#make(this.#edit, offset, events.argument(event)) || isWritten;
      }
      const names = kind === Kind.call || kind === Kind.returnCall || kind === Kind.refFunc;
      if (!isWritten && names && this.#shift > 0 && events.argument(event) >= imported) {
        this.#copyUpTo(offset + 1);
        const width = this.#lebWidth(offset + 1);
        this.out.u32(events.argument(event) + this.#shift, width);
        this.#from = offset + 1 + width;
        this.#noteMove();
      }
    }
  }

  /** Makes one edit at the instruction at `offset`; returns whether the instruction itself is written, too. */
  #make(edit: number, offset: number, argument: number): boolean {
    const { out } = this;
    const value = this.#edits.code.value(edit);
    switch (this.#edits.code.kind(edit)) {
      case EditKind.check:
        this.#check(value);
        this.#noteMove();
        return false;
      case EditKind.checkedBranch:
        this.#noteMove();
        out.bytes([Op.if, EMPTY_BLOCK]);
        this.#check(value);
        out.byte(Op.br);
        out.u32(argument + 1);
        out.byte(Op.end);
        break;
      case EditKind.chargeBulk:
        out.byte(Op.localTee);
        out.u32(this.#temporary);
        out.byte(Op.localGet);
        out.u32(this.#temporary);
        out.byte(Op.i32Const);
        out.s32(freeBulkLength);
        out.byte(Op.i32GreaterUnsigned);
        this.#ifUnlikely(() => {
          out.byte(Op.localGet);
          out.u32(this.#temporary);
          this.#call(CHARGE);
        });
        this.#noteMove();
        return false;
      case EditKind.quietExit:
        this.#noteMove();
        this.#call(exitImport.name);
        out.byte(Op.return);
        break;
    }
    this.#from = offset + 1 + this.#lebWidth(offset + 1);
    this.#noteMove();
    return true;
  }

  /** counter -= weight; if (counter < 0) tick(). */
  #check(weight: number): void {
    const { out } = this;
    const { counter } = this.#indices;
    out.byte(Op.globalGet);
    out.u32(counter);
    out.byte(Op.i32Const);
    out.s32(weight);
    out.byte(Op.i32Sub);
    out.byte(Op.globalSet);
    out.u32(counter);
    out.byte(Op.globalGet);
    out.u32(counter);
    out.byte(Op.i32Const);
    out.s32(0);
    out.byte(Op.i32LessSigned);
    this.#ifUnlikely(() => this.#call(TICK));
  }

  #ifUnlikely(then: () => void): void {
    this.moves.checks.push(this.#function);
    this.moves.checks.push(this.out.length - this.#bodyAt);
    this.out.byte(Op.if);
    this.out.byte(EMPTY_BLOCK);
    then();
    this.out.byte(Op.end);
  }

  #call(name: string): void {
    this.out.byte(Op.call);
    this.out.u32(this.#indices.functions.get(name) ?? 0);
  }

  /** Whether an edit before `end` uses the temporary local. */
  #needsLocal(end: number): boolean {
    const { code } = this.#edits;
    for (let edit = this.#edit; edit < code.length && code.offset(edit) < end; edit++) {
      if (code.kind(edit) === EditKind.chargeBulk) return true;
    }
    return false;
  }

  /** Writes the locals of a function with one more i32 after them. */
  #addLocal(index: number): void {
    const { functions } = this.#code;
    const { bytes, functionTypes, importedFunctions, types } = this.#layout;
    const reader = new Reader(bytes, this.#from);
    const groups = reader.u32("groups of locals");
    this.out.u32(groups + 1, reader.at - this.#from);
    this.#from = reader.at;
    this.#copyUpTo(functions.codeStart(index));
    this.out.bytes([1, 0x7f]);
    this.#noteMove();
    const type = types[functionTypes.at(importedFunctions + index)];
    this.#temporary = (type?.params.length ?? 0) + functions.locals(index);
  }

  #copyUpTo(offset: number): void {
    this.out.span(this.#layout.bytes, this.#from, offset);
    this.#from = offset;
  }

  /** What follows in the old file is now this much further from the start of its function. */
  #noteMove(): void {
    this.moves.distances.push(this.#from);
    const start = this.#code.functions.start(this.#function);
    this.moves.distances.push(this.out.length - this.#bodyAt - (this.#from - start));
  }

  #lebWidth(at: number): number {
    let width = 1;
    while ((this.#layout.bytes[at + width - 1] ?? 0) >= 0x80) width++;
    return width;
  }
}
