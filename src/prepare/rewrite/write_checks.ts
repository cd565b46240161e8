import { COUNTER_EXPORT } from "../contract.ts";
import { EMPTY_BLOCK, Op } from "../format/instructions.ts";
import { bytesOf, type Writer } from "../format/writer.ts";
import { bulkShift, CHARGE, CHARGE_LONG, freeBulkLength, TICK, WAIT } from "../plan/added_names.ts";
import type { AddedIndices } from "../plan/edits.ts";

/** Writes the instructions that count steps. None of them changes the operands on the stack. */
export class CheckWriter {
  /** Makes each check a call, which is shorter and slower. */
  isCompact = false;
  readonly #out: Writer;
  readonly #indices: AddedIndices;
  /** The bytes before and after the weight: a module has thousands of checks. */
  readonly #beforeWeight: Uint8Array;
  readonly #afterWeight: Uint8Array;
  readonly #tick: Uint8Array;

  constructor(out: Writer, indices: AddedIndices) {
    this.#out = out;
    this.#indices = indices;
    const counter = indices.globals.get(COUNTER_EXPORT) ?? 0;
    this.#beforeWeight = bytesOf(Op.globalGet, counter, Op.i32Const);
    this.#afterWeight = bytesOf(
      ...[Op.i32Sub, Op.globalSet, counter],
      ...[Op.globalGet, counter, Op.i32Const, 0],
    );
    this.#tick = bytesOf(Op.if, EMPTY_BLOCK, Op.call, indices.functions.get(TICK) ?? 0, Op.end);
  }

  /** Writes `counter -= weight; if (counter < 0) tick()`. */
  check(weight: number): void {
    if (this.isCompact) {
      this.#out.byte(Op.i32Const);
      this.#out.s32(weight << bulkShift);
      return this.call(CHARGE);
    }
    this.compare(weight, Op.i32LessSigned);
    this.#out.bytes(this.#tick);
  }

  /** Writes `counter -= weight` and a comparison of the counter with 0, whose result is pushed. */
  compare(weight: number, comparison: number): void {
    this.#out.bytes(this.#beforeWeight);
    this.#out.s32(weight);
    this.#out.bytes(this.#afterWeight);
    this.#out.byte(comparison);
  }

  /**
   * Writes `if (length > freeBulkLength) charge(length)` for the length on the stack.
   *
   * @param charge the added function: `CHARGE`, `CHARGE_LONG` or `CHARGE_ARRAY`.
   */
  charge(charge: string, local: number): void {
    const type = charge === CHARGE_LONG ? "i64" : "i32";
    const out = this.#out;
    out.byte(Op.localTee);
    out.u32(local);
    out.byte(Op.localGet);
    out.u32(local);
    out.byte(type === "i32" ? Op.i32Const : Op.i64Const);
    out.s32(freeBulkLength);
    out.byte(type === "i32" ? Op.i32GreaterUnsigned : Op.i64GreaterUnsigned);
    out.bytes([Op.if, EMPTY_BLOCK, Op.localGet]);
    out.u32(local);
    this.call(charge);
    out.byte(Op.end);
  }

  /**
   * Writes `wait(memory.atomic.wait(address, expected, 0), timeout)`: the instruction compares and
   * traps as ever, and the host lets the time pass. `copyWait` writes the instruction.
   */
  wait(timeout: number, copyWait: () => void): void {
    const out = this.#out;
    out.byte(Op.localSet);
    out.u32(timeout);
    out.bytes([Op.i64Const, 0]);
    copyWait();
    out.byte(Op.localGet);
    out.u32(timeout);
    this.call(WAIT);
  }

  /** Writes a call of an added function. */
  call(name: string): void {
    this.#out.byte(Op.call);
    this.#out.u32(this.#indices.functions.get(name) ?? 0);
  }
}
