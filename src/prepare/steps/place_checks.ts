import { Kind, LOOP_HAS_PARAMETERS, LOOP_IS_CAUGHT } from "../scan/events.ts";
import { Ints } from "../format/ints.ts";
import { catchLabels, tableLabels } from "../format/labels.ts";
import type { Layout } from "../format/layout.ts";
import { Mark } from "../rewrite/marks.ts";
import type { Code } from "../scan/scan.ts";

/** A loop is unrolled when it has no calls and no loops in it, and at most so many bytes and events. */
const maxUnrolledBytes = 64;
const maxUnrolledEvents = 16;

/** State of code that is never reached. */
const unreachable = 0x7fff_ffff;

/**
 * Decides where a function checks the step counter, as late as possible, so that a call or a loop that ends early pays
 * nothing. Two rules hold on every path:
 *
 * - between two times at the head of a loop lies a check;
 * - between the entry of a function and a call in it that is cut (`scan/call_graph.ts`) lies a check.
 *
 * Then every circle that control can go, inside of functions and through calls, contains a check.
 *
 * One walk suffices: `state` is the depth of the innermost loop since whose head every path here has passed a check, 0
 * standing for the entry of the function and -1 for none. What holds since an inner head holds since all around it.
 */
export class CheckPlacer {
  readonly #layout: Layout;
  readonly #code: Code;
  readonly #cut: Uint8Array;
  /** `Mark` bits for each event. */
  readonly marks: Uint8Array;

  // The blocks that are open, one number each.
  /** Event that began the block; -1 for the function. */
  readonly #begin = new Ints();
  /** Depth of loops for a branch to the block: outside of it, except for a loop. */
  readonly #depth = new Ints();
  /** State that branches bring to the end of the block. */
  readonly #atEnd = new Ints();
  /** State where the block began, for its `else` or `catch`. */
  readonly #atBegin = new Ints();

  constructor(layout: Layout, code: Code, cut: Uint8Array) {
    this.#layout = layout;
    this.#code = code;
    this.#cut = cut;
    this.marks = new Uint8Array(code.events.length + 1);
  }

  /** Sets the marks of one defined function. */
  place(index: number): void {
    const { events, functions } = this.#code;
    const { kinds } = events;
    const last = functions.firstEvent(index + 1);
    let state = -1;
    /** Depth of loops here. */
    let depth = 0;
    this.#push(-1, 0, state);
    for (let event = functions.firstEvent(index); event < last; event++) {
      // The most frequent ones come first: until the engine has optimized this, each case costs.
      switch (kinds[event]) {
        case Kind.end:
        case Kind.delegate: {
          const begin = this.#begin.pop();
          const kind = begin < 0 ? Kind.block : events.kind(begin);
          const [itsDepth, atEnd, atBegin] = [this.#depth.pop(), this.#atEnd.pop(), this.#atBegin.pop()];
          if (kind === Kind.loop) {
            depth = itsDepth - 1;
            if (this.#isTight(begin, event)) this.marks[begin] = Mark.unroll;
          }
          if (kind === Kind.if) state = Math.min(state, atBegin);
          state = Math.min(state, atEnd);
          if (state !== unreachable) state = Math.min(state, depth);
          break;
        }
        case Kind.block:
        case Kind.if:
        case Kind.try:
          this.#push(event, depth, state);
          break;
        case Kind.brIf: {
          const label = events.argument(event);
          if (state < this.#loopDepth(label)) {
            if (this.#markSplit(label)) this.#mark(event, Mark.checkedBranch);
            else state = this.#check(event, depth);
          } else this.#markRelies(label, state);
          this.#join(label, state);
          break;
        }
        case Kind.call:
        case Kind.callIndirect:
          if (state < 0 && this.#cut[event] === 1) state = this.#check(event, depth);
          break;
        case Kind.tryTable:
          for (const label of catchLabels(this.#layout.bytes, events.offset(event))) this.#join(label, state);
          this.#push(event, depth, state);
          break;
        case Kind.loop:
          depth++;
          this.#push(event, depth, state);
          if ((events.argument(event) & LOOP_IS_CAUGHT) !== 0) {
            this.#mark(event + 1, Mark.check);
            state = Math.max(state, depth);
          }
          break;
        case Kind.else:
        case Kind.catch: {
          // A call may throw at any place of the body; what held where the body began holds at all of them.
          this.#join(0, state);
          const top = this.#atBegin.length - 1;
          state = this.#atBegin.at(top);
          // With an `else`, nothing goes from the condition to the end.
          if (events.kind(event) === Kind.else) this.#atBegin.set(top, unreachable);
          break;
        }
        case Kind.br: {
          const label = events.argument(event);
          if (state < this.#loopDepth(label)) {
            state = this.#check(event, depth);
            this.#markSplit(label);
          } else this.#markRelies(label, state);
          this.#join(label, state);
          state = unreachable;
          break;
        }
        case Kind.brTable: {
          const labels = tableLabels(this.#layout.bytes, events.offset(event));
          let needed = -1;
          for (const label of labels) needed = Math.max(needed, this.#loopDepth(label));
          if (state < needed) state = this.#check(event, depth);
          else for (const label of labels) this.#markRelies(label, state);
          for (const label of labels) this.#join(label, state);
          state = unreachable;
          break;
        }
        case Kind.return:
        case Kind.throw:
        case Kind.unreachable:
          state = unreachable;
          break;
        case Kind.returnCall:
        case Kind.returnCallIndirect:
          if (state < 0 && this.#cut[event] === 1) this.#check(event, depth);
          state = unreachable;
          break;
      }
    }
  }

  #push(begin: number, depth: number, state: number): void {
    this.#begin.push(begin);
    this.#depth.push(depth);
    this.#atEnd.push(unreachable);
    this.#atBegin.push(state);
  }

  #check(event: number, depth: number): number {
    this.#mark(event, Mark.check);
    return depth;
  }

  #mark(event: number, mark: number): void {
    this.marks[event] = (this.marks[event] ?? 0) | mark;
  }

  /** Notes that a branch to `label`, if it is a loop, needs no check because others are inside of the loop. */
  #markRelies(label: number, state: number): void {
    if (state === unreachable || this.#loopDepth(label) < 0) return;
    this.#mark(this.#begin.at(this.#begin.length - 1 - label), Mark.relies);
  }

  /** The loop `label` branches back under checks; returns whether blocks can stand around it and its branches. */
  #markSplit(label: number): boolean {
    const begin = this.#begin.at(this.#begin.length - 1 - label);
    if ((this.#code.events.argument(begin) & LOOP_HAS_PARAMETERS) !== 0) return false;
    this.#mark(begin, Mark.split);
    return true;
  }

  /** Whether a loop that branches back under checks is so short that its body can stand more than once. */
  #isTight(begin: number, end: number): boolean {
    const { events } = this.#code;
    if (this.marks[begin] !== Mark.split || events.argument(begin) !== 0) return false;
    if (end - begin > maxUnrolledEvents || events.offset(end) - events.offset(begin) > maxUnrolledBytes) {
      return false;
    }
    for (let event = begin + 1; event < end; event++) if (!tightKinds.has(events.kind(event))) return false;
    return true;
  }

  /** Depth that the state must have for a branch to `label`: that of the loop, or -1 when it is none. */
  #loopDepth(label: number): number {
    const place = this.#begin.length - 1 - label;
    const begin = this.#begin.at(place);
    return begin >= 0 && this.#code.events.kind(begin) === Kind.loop ? this.#depth.at(place) : -1;
  }

  /** A branch to the end of the block `label` brings its state there. */
  #join(label: number, state: number): void {
    if (this.#loopDepth(label) >= 0) return;
    const place = this.#begin.length - 1 - label;
    this.#atEnd.set(place, Math.min(this.#atEnd.at(place), state));
  }
}

/** What may stand in a loop that is unrolled. */
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
