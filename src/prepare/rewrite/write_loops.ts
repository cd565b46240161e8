import type { Copier } from "./copier.ts";
import { skipBlockType } from "../format/immediates.ts";
import { EMPTY_BLOCK, Op } from "../format/instructions.ts";
import { Reader } from "../format/reader.ts";
import type { LabelStack } from "./label_stack.ts";
import { TICK } from "../plan/added_names.ts";
import { type CodePlan, copies, Mark } from "../plan/marks.ts";
import { Kind } from "../scan/events.ts";
import type { Code } from "../scan/code.ts";
import type { CheckWriter } from "./write_checks.ts";

/** Writes loops whose branches back are checked, and these branches. */
export class LoopWriter {
  readonly #copier: Copier;
  readonly #labels: LabelStack;
  readonly #checks: CheckWriter;
  readonly #code: Code;
  readonly #plan: CodePlan;
  readonly #writeEvents: (first: number, last: number) => void;
  /** Set while a copy of an unrolled loop is written that is not the last. */
  #isRepeated = false;

  /** `writeEvents` writes the instructions from one event up to another. */
  constructor(parts: {
    copier: Copier;
    labels: LabelStack;
    checks: CheckWriter;
    code: Code;
    plan: CodePlan;
    writeEvents: (first: number, last: number) => void;
  }) {
    this.#copier = parts.copier;
    this.#labels = parts.labels;
    this.#checks = parts.checks;
    this.#code = parts.code;
    this.#plan = parts.plan;
    this.#writeEvents = parts.writeEvents;
  }

  /** Writes a `br` or `br_if` that is marked. */
  branch(event: number, mark: number): void {
    const { events } = this.#code;
    const { begins } = this.#labels;
    const label = events.argument(event);
    const begin = begins[begins.length - 1 - label] ?? -1;
    const isLoop = begin >= 0 && events.kind(begin) === Kind.loop;
    const loop = isLoop ? this.#plan.marks[begin] ?? 0 : 0;
    const isUnrolled = (loop & Mark.unroll) !== 0;
    const isChecked = (mark & (Mark.check | Mark.checkedBranch)) !== 0;
    const at = events.offset(event) + 1;
    // The branches of all copies of an unrolled loop but the last lead to the next copy.
    if (!isChecked || (isUnrolled && this.#isRepeated)) {
      return this.#copier.replaceNumber(at, this.#labels.translate(label));
    }
    const weight = (this.#plan.weights[event] ?? 0) * (isUnrolled ? copies : 1);
    this.#copier.copyUpTo(at - 1);
    const isConditional = events.kind(event) === Kind.brIf;
    const checksBefore = (mark & Mark.check) !== 0;
    const isSplit = (loop & Mark.split) !== 0 && !(isConditional && checksBefore);
    if (!isSplit && checksBefore) {
      this.#checks.check(weight);
      return this.#copier.replaceNumber(at, this.#labels.translate(label));
    }
    this.#writeBranch(label, weight, { isConditional, isSplit });
    this.#copier.skipNumber(at);
  }

  /** Writes the branch itself with its check: only the way back pays. */
  #writeBranch(
    label: number,
    weight: number,
    { isConditional, isSplit }: { isConditional: boolean; isSplit: boolean },
  ): void {
    const { out } = this.#copier;
    if (isConditional) {
      out.bytes([Op.if, EMPTY_BLOCK]);
      this.#labels.depth++;
    }
    const target = this.#labels.translate(label);
    if (isSplit) {
      // counter -= weight; if (counter >= 0) continue; else leave for the block that renews it
      this.#checks.compare(weight, Op.i32GreaterOrEqualSigned);
      out.byte(Op.brIf);
      out.u32(target);
      out.byte(Op.br);
      out.u32(target + 1);
    } else {
      this.#checks.check(weight);
      out.byte(Op.br);
      out.u32(target);
    }
    if (isConditional) {
      out.byte(Op.end);
      this.#labels.depth--;
    }
  }

  /**
   * Begins a loop that is split; `endSplit` ends it:
   *
   *     block $exit
   *       loop $again
   *         block $renew
   *           loop … the loop as it was; a branch back without steps left goes to $renew … end
   *           br $exit
   *         end
   *         call $tick
   *         br $again
   *       end
   *     end
   */
  beginSplit(event: number): void {
    const at = this.#code.events.offset(event);
    const typeEnd = this.#blockTypeEnd(at);
    const { out, bytes } = this.#copier;
    this.#copier.copyUpTo(at);
    for (const opcode of [Op.block, Op.loop]) {
      out.byte(opcode);
      out.span(bytes, at + 1, typeEnd);
    }
    out.bytes([Op.block, EMPTY_BLOCK]);
    this.#labels.depth += 3;
    this.#labels.open(event);
  }

  endSplit(event: number): void {
    const { out } = this.#copier;
    this.#copier.copyUpTo(this.#code.events.offset(event) + 1);
    out.bytes([Op.br, 2, Op.end]);
    this.#checks.call(TICK);
    out.bytes([Op.br, 0, Op.end, Op.end]);
    this.#labels.depth -= 3;
  }

  /**
   * Writes a loop with its body `copies` times, and returns the event of its end:
   *
   *     block $exit
   *       loop
   *         block $next … the body; a branch back goes to $next … br $exit end
   *         (once for each copy but the last)
   *         … the body, whose branches back are checked …
   *       end
   *     end
   */
  unrolled(event: number): number {
    const { events } = this.#code;
    const copier = this.#copier;
    const labels = this.#labels;
    const { out } = copier;
    const at = events.offset(event);
    const bodyAt = this.#blockTypeEnd(at);
    let last = event + 1;
    while (events.kinds[last] !== Kind.end || events.arguments[last] !== event) last++;
    copier.copyUpTo(at);
    out.byte(Op.block);
    out.span(copier.bytes, at + 1, bodyAt);
    labels.depth++;
    copier.copyUpTo(bodyAt);
    labels.open(event);
    const loopDepth = labels.depth;
    // All copies but the last are alike: one is written, and its bytes are repeated.
    const copyAt = out.length;
    this.#isRepeated = true;
    out.bytes([Op.block, EMPTY_BLOCK]);
    labels.retarget(++labels.depth);
    this.#writeEvents(event + 1, last);
    copier.copyUpTo(events.offset(last));
    out.bytes([Op.br, 2, Op.end]);
    labels.depth--;
    this.#isRepeated = false;
    this.#copier.repeat(copyAt, copies - 2);
    labels.retarget(loopDepth);
    copier.from = bodyAt;
    this.#writeEvents(event + 1, last);
    copier.copyUpTo(events.offset(last) + 1);
    labels.close();
    out.byte(Op.end);
    labels.depth--;
    return last;
  }

  #blockTypeEnd(at: number): number {
    const reader = new Reader(this.#copier.bytes, at + 1);
    skipBlockType(reader);
    return reader.at;
  }
}
