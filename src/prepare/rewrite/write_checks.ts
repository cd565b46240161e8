import { COUNTER_EXPORT } from "../contract.ts";
import type { AddedIndices } from "../plan/edits.ts";
import { EMPTY_BLOCK, Op } from "../format/instructions.ts";
import { CHARGE, freeBulkLength, TICK } from "../plan/added_names.ts";
import { bytesOf, type Writer } from "../format/writer.ts";

/** Writes the instructions that count steps. None of them changes what is on the stack. */
export class CheckWriter {
  readonly #out: Writer;
  readonly #indices: AddedIndices;
  /** Told before each `if` that hardly ever runs. */
  readonly #onUnlikely: () => void;
  /** What stands before and after the weight; a module has thousands of checks. */
  readonly #beforeWeight: Uint8Array;
  readonly #afterWeight: Uint8Array;
  readonly #tick: Uint8Array;

  constructor(out: Writer, indices: AddedIndices, onUnlikely: () => void) {
    this.#out = out;
    this.#indices = indices;
    this.#onUnlikely = onUnlikely;
    const counter = indices.globals.get(COUNTER_EXPORT) ?? 0;
    this.#beforeWeight = bytesOf(Op.globalGet, counter, Op.i32Const);
    this.#afterWeight = bytesOf(
      Op.i32Sub,
      Op.globalSet,
      counter,
      Op.globalGet,
      counter,
      Op.i32Const,
      0,
    );
    this.#tick = bytesOf(Op.if, EMPTY_BLOCK, Op.call, indices.functions.get(TICK) ?? 0, Op.end);
  }

  /** counter -= weight; if (counter < 0) tick(). */
  check(weight: number): void {
    this.compare(weight, Op.i32LessSigned);
    this.#onUnlikely();
    this.#out.bytes(this.#tick);
  }

  /** counter -= weight, and on the stack how the counter compares with 0. */
  compare(weight: number, comparison: number): void {
    this.#out.bytes(this.#beforeWeight);
    this.#out.s32(weight);
    this.#out.bytes(this.#afterWeight);
    this.#out.byte(comparison);
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
    this.#onUnlikely();
    out.bytes([Op.if, EMPTY_BLOCK, Op.localGet]);
    out.u32(local);
    this.call(CHARGE);
    out.byte(Op.end);
  }

  /** A call of an added function. */
  call(name: string): void {
    this.#out.byte(Op.call);
    this.#out.u32(this.#indices.functions.get(name) ?? 0);
  }
}
