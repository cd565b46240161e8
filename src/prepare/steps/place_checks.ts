import { BULK_IS_SMALL, Kind, LOOP_HAS_PARAMETERS, LOOP_IS_CAUGHT } from "../scan/events.ts";
import { catchLabels, tableLabels } from "../format/labels.ts";
import type { Layout } from "../format/layout.ts";
import { Mark } from "../plan/marks.ts";
import type { Code } from "../scan/code.ts";

/** A loop is unrolled when it has no calls and no inner loops, and at most this size. */
const maxUnrolledBytes = 64;
const maxUnrolledEvents = 16;

/** State in unreachable code. */
const unreachable = 0x7fff_ffff;

/** An open block. */
interface Block {
  /** Event that began it; -1 for the function. */
  readonly begin: number;
  readonly kind: number;
  /** State that a branch to it needs: the depth of a loop, -1 for other blocks. */
  readonly loopDepth: number;
  /** State at its beginning, for its `else` or `catch`. */
  atBegin: number;
  /** State that branches bring to its end. */
  atEnd: number;
}

/**
 * Places the checks of the step counter, as late as possible, so that a call or a loop that ends
 * early pays nothing. Two rules hold on every path:
 *
 * - between two visits to the head of a loop lies a check;
 * - between the entry of a function and a call in it that is cut (`scan/call_graph.ts`) lies a
 *   check.
 *
 * Then every cycle of control flow, inside functions and through calls, contains a check. A bulk
 * instruction, which may run long by itself, is charged for its length.
 *
 * One pass suffices: `state` is the depth of the innermost loop since whose head every path to here
 * has passed a check; 0 stands for the entry of the function, -1 for none. A check since an inner
 * head is one since all heads around it.
 */
export class CheckPlacer {
  readonly #layout: Layout;
  readonly #code: Code;
  readonly #cut: Uint8Array;
  /** `Mark` bits for each event. */
  readonly marks: Uint8Array;
  /** 1 for each function that has a loop. */
  readonly hasLoop: Uint8Array;
  /** The innermost block is the last. */
  readonly #open: Block[] = [];

  constructor(layout: Layout, code: Code, cut: Uint8Array) {
    this.#layout = layout;
    this.#code = code;
    this.#cut = cut;
    this.marks = new Uint8Array(code.events.length + 1);
    this.hasLoop = new Uint8Array(code.functions.length);
  }

  /** Marks all functions. */
  place(): void {
    const { events, functions } = this.#code;
    const { kinds, arguments: values } = events;
    const cut = this.#cut;
    const open = this.#open;
    for (let index = 0; index < functions.length - 1; index++) {
      const last = functions.firstEvent[index + 1] ?? 0;
      let state = -1;
      /** Number of open loops. */
      let depth = 0;
      this.#begin(-1, Kind.block, state);
      for (let event = functions.firstEvent[index] ?? 0; event < last; event++) {
        const kind = kinds[event] ?? 0;
        switch (kind) {
          case 0x0b satisfies typeof Kind.end:
          case 0x18 satisfies typeof Kind.delegate: {
            const block = open.pop();
            if (!block) break;
            if (block.kind === Kind.loop) {
              depth--;
              if (this.#isTight(block.begin, event)) this.marks[block.begin] = Mark.unroll;
            }
            if (block.kind === Kind.if && block.atBegin < state) state = block.atBegin;
            if (block.atEnd < state) state = block.atEnd;
            if (state !== unreachable && depth < state) state = depth;
            break;
          }
          case 0x0d satisfies typeof Kind.brIf: {
            const block = open[open.length - 1 - (values[event] ?? 0)];
            if (!block) break;
            if (state >= block.loopDepth) this.#bring(block, state);
            else if (this.#markSplit(block)) this.#mark(event, Mark.checkedBranch);
            else {
              this.#mark(event, Mark.check);
              state = depth;
            }
            break;
          }
          case 0x10 satisfies typeof Kind.call:
          case 0x11 satisfies typeof Kind.callIndirect:
            if (state < 0 && cut[event] === 1) {
              this.#mark(event, Mark.check);
              state = depth;
            }
            break;
          case 0x02 satisfies typeof Kind.block:
          case 0x04 satisfies typeof Kind.if:
          case 0x06 satisfies typeof Kind.try:
            this.#begin(event, kind, state);
            break;
          case 0x0c satisfies typeof Kind.br: {
            const block = open[open.length - 1 - (values[event] ?? 0)];
            if (!block) break;
            if (state >= block.loopDepth) this.#bring(block, state);
            else {
              this.#mark(event, Mark.check);
              this.#markSplit(block);
            }
            state = unreachable;
            break;
          }
          case 0x03 satisfies typeof Kind.loop:
            depth++;
            this.hasLoop[index] = 1;
            this.#begin(event, kind, state, depth);
            if (((values[event] ?? 0) & LOOP_IS_CAUGHT) !== 0) {
              this.#mark(event + 1, Mark.check);
              state = Math.max(state, depth);
            }
            break;
          case 0x05 satisfies typeof Kind.else:
          case 0x07 satisfies typeof Kind.catch: {
            // A call may throw anywhere in the body: only the state at its beginning holds
            // everywhere.
            const block = this.#block(0);
            this.#bring(block, state);
            state = block.atBegin;
            // With an `else`, no path leads from the condition to the end.
            if (kind === Kind.else) block.atBegin = unreachable;
            break;
          }
          case 0x0e satisfies typeof Kind.brTable:
            this.#branchByTable(event, depth, state);
            state = unreachable;
            break;
          case 0x15 satisfies typeof Kind.bulk:
            if (((values[event] ?? 0) & BULK_IS_SMALL) === 0) this.#mark(event, Mark.chargeBulk);
            break;
          case 0x19 satisfies typeof Kind.brOn: {
            const block = open[open.length - 1 - (values[event] ?? 0)];
            if (!block) break;
            if (state >= block.loopDepth) this.#bring(block, state);
            else {
              this.#mark(event, Mark.check);
              state = depth;
            }
            break;
          }
          case 0x1a satisfies typeof Kind.wait:
            this.#mark(event, Mark.hostWait);
            break;
          case 0x0f satisfies typeof Kind.return:
          case 0x08 satisfies typeof Kind.throw:
          case 0x00 satisfies typeof Kind.unreachable:
            state = unreachable;
            break;
          case 0x12 satisfies typeof Kind.returnCall:
          case 0x13 satisfies typeof Kind.returnCallIndirect:
            if (state < 0 && cut[event] === 1) this.#mark(event, Mark.check);
            state = unreachable;
            break;
          case 0x1f satisfies typeof Kind.tryTable:
            this.#bringToCatches(event, state);
            this.#begin(event, kind, state);
            break;
        }
      }
    }
  }

  #begin(begin: number, kind: number, state: number, loopDepth = -1): void {
    this.#open.push({ begin, kind, loopDepth, atBegin: state, atEnd: unreachable });
  }

  #block(label: number): Block {
    const block = this.#open[this.#open.length - 1 - label];
    if (!block) throw new Error(`the scan accepted the label ${label}, which has no block`);
    return block;
  }

  /**
   * Brings the state of a branch to the end of its block; a loop relies on the checks inside it.
   */
  #bring(block: Block, state: number): void {
    if (block.loopDepth < 0) {
      if (state < block.atEnd) block.atEnd = state;
    } else if (state !== unreachable) this.#mark(block.begin, Mark.relies);
  }

  #branchByTable(event: number, depth: number, state: number): void {
    const labels = tableLabels(this.#layout.bytes, this.#code.events.offsets[event] ?? 0);
    let isChecked = false;
    for (const label of labels) if (state < this.#block(label).loopDepth) isChecked = true;
    if (isChecked) this.#mark(event, Mark.check);
    for (const label of labels) {
      const block = this.#block(label);
      if (!isChecked || block.loopDepth < 0) this.#bring(block, isChecked ? depth : state);
    }
  }

  /**
   * Brings the state to where a `try_table` may branch; a loop that it branches to checks there.
   */
  #bringToCatches(event: number, state: number): void {
    for (const label of catchLabels(this.#layout.bytes, this.#code.events.offset(event))) {
      const block = this.#block(label);
      if (block.loopDepth < 0) this.#bring(block, state);
    }
  }

  #mark(event: number, mark: number): void {
    this.marks[event] = (this.marks[event] ?? 0) | mark;
  }

  /** Marks a loop that branches back under checks; reports whether blocks can stand around both. */
  #markSplit({ begin }: Block): boolean {
    if (((this.#code.events.arguments[begin] ?? 0) & LOOP_HAS_PARAMETERS) !== 0) return false;
    this.#mark(begin, Mark.split);
    return true;
  }

  /** Reports whether a loop that branches back under checks is short enough to be unrolled. */
  #isTight(begin: number, end: number): boolean {
    const { offsets, kinds, arguments: values } = this.#code.events;
    if (this.marks[begin] !== Mark.split || values[begin] !== 0) return false;
    if (end - begin > maxUnrolledEvents) return false;
    if ((offsets[end] ?? 0) - (offsets[begin] ?? 0) > maxUnrolledBytes) return false;
    for (let event = begin + 1; event < end; event++) {
      if (!tightKinds.has(kinds[event] ?? 0)) return false;
    }
    return true;
  }
}

/** Kinds of events that an unrolled loop may have. */
const tightKinds: ReadonlySet<number> = new Set([
  Kind.block,
  Kind.if,
  Kind.else,
  Kind.end,
  Kind.br,
  Kind.brIf,
  Kind.return,
  Kind.unreachable,
]);
