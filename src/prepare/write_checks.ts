import type { AddedIndices } from "./edits.ts";
import { EMPTY_BLOCK, Op } from "./instructions.ts";
import { CHARGE, freeBulkLength, TICK } from "./steps.ts";
import type { Writer } from "./writer.ts";

/** Writes the instructions that count steps. None of them changes what is on the stack. */
export class CheckWriter {
  readonly #out: Writer;
  readonly #indices: AddedIndices;
  /** Told before each `if` that hardly ever runs. */
  readonly #onUnlikely: () => void;

  constructor(out: Writer, indices: AddedIndices, onUnlikely: () => void) {
    this.#out = out;
    this.#indices = indices;
    this.#onUnlikely = onUnlikely;
  }

  /** counter -= weight; if (counter < 0) tick(). */
  check(weight: number): void {
    this.decrement(weight);
    this.#out.bytes([Op.i32Const, 0, Op.i32LessSigned]);
    this.#unlikely(() => this.call(TICK));
  }

  /** counter -= weight, and the counter on the stack. */
  decrement(weight: number): void {
    const { counter } = this.#indices;
    this.#out.byte(Op.globalGet);
    this.#out.u32(counter);
    this.#out.byte(Op.i32Const);
    this.#out.s32(weight);
    this.#out.bytes([Op.i32Sub, Op.globalSet]);
    this.#out.u32(counter);
    this.#out.byte(Op.globalGet);
    this.#out.u32(counter);
  }

  /** With a length on the stack and a local to keep it in: if (length > 4096) charge(length). */
  charge(local: number): void {
    const out = this.#out;
    out.byte(Op.localTee);
    out.u32(local);
    out.byte(Op.localGet);
    out.u32(local);
    out.byte(Op.i32Const);
    out.s32(freeBulkLength);
    out.byte(Op.i32GreaterUnsigned);
    this.#unlikely(() => {
      out.byte(Op.localGet);
      out.u32(local);
      this.call(CHARGE);
    });
  }

  /** A call of an added function. */
  call(name: string): void {
    this.#out.byte(Op.call);
    this.#out.u32(this.#indices.functions.get(name) ?? 0);
  }

  #unlikely(then: () => void): void {
    this.#onUnlikely();
    this.#out.bytes([Op.if, EMPTY_BLOCK]);
    then();
    this.#out.byte(Op.end);
  }
}
