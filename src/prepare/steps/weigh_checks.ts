import type { CallGraph } from "../scan/call_graph.ts";
import { Kind } from "../scan/events.ts";
import { Ints } from "../format/ints.ts";
import type { Layout } from "../format/layout.ts";
import { LoopMeasurer } from "./measure_loops.ts";
import { copies, Mark } from "../rewrite/marks.ts";
import { catchLabels, tableLabels } from "../format/labels.ts";
import type { Code } from "../scan/scan.ts";

/** Instructions that a call of an import is worth: what it costs to come to JavaScript and back. */
const importCost = 200;

/** A path without a check is cut by one where it would get longer than this many instructions. */
const maxPathCost = 65_536;

/**
 * The weight of a check is at most this. The longest path through a tree of calls is hardly ever the one that is taken:
 * without this the counter would run out a hundred times too early.
 */
const maxWeight = 4096;

/** A loop is split when its round is at most this long: in a longer one the call would not be felt. */
const maxSplitCost = 64;

/** Marks that stand for a check. */
const isCheck = Mark.check | Mark.checkedBranch;

/**
 * Gives each check its weight, so that the counter goes down by at least one for each instruction that is run: for
 * sixteen where `maxWeight` cuts a weight off. Everything is paid for before it runs:
 *
 * - who calls a function pays for the longest path through it, each of its loops once, up to its first check;
 * - a check pays for the longest path from it to the next one;
 * - a check at a branch back to a loop pays for the round that was made, so that the way on from the loop's head, which was
 *   paid for when it was entered, is paid for again.
 *
 * A path that would get longer than `maxPathCost` gets a check: a pyramid of functions that each call the next one ten
 * times never ends either, though nothing in it goes in a circle.
 */
export class CheckWeigher {
  readonly #layout: Layout;
  readonly #code: Code;
  readonly #graph: CallGraph;
  readonly #marks: Uint8Array;
  /** For each event with a check, its weight; for each `loop`, the cost of its longest round. */
  readonly weights: Int32Array;
  /** Cost from the entry of each node of the call graph to its first check. */
  readonly #entry: Int32Array;
  /** Whether a defined function has checks, or a path that is too long. */
  readonly #needsWeights: Uint8Array;
  readonly #measurer: LoopMeasurer;

  // The blocks that are open. They are met from their end.
  /** Cost from where a branch to the block leads. */
  readonly #label = new Ints();
  /** Cost of the `else` part; the same as `label` without one. */
  readonly #else = new Ints();
  /** Highest cost of the handlers that an exception may reach outside of the block. */
  readonly #handlers = new Ints();
  /** Events that began the blocks. */
  readonly #begins = new Ints();
  /** Longest round of the loops around that rely on the checks inside of them. */
  readonly #rounds = new Ints();

  constructor(layout: Layout, code: Code, graph: CallGraph, marks: Uint8Array) {
    this.#layout = layout;
    this.#code = code;
    this.#graph = graph;
    this.#marks = marks;
    this.weights = new Int32Array(code.events.length);
    this.#entry = new Int32Array(layout.functionTypes.length + graph.members.length);
    this.#entry.fill(importCost, 0, layout.importedFunctions);
    this.#needsWeights = new Uint8Array(code.functions.length);
    const { kinds, arguments: values } = code.events;
    const callCost = (event: number) =>
      kinds[event] === Kind.call
        ? this.#entry[values[event] ?? 0] ?? 0
        : this.#entryOfType(values[event] ?? 0);
    this.#measurer = new LoopMeasurer(layout, code, { rounds: this.weights, maxRound: maxWeight, callCost });
  }

  /** Weighs the checks of all functions, and marks those that long paths need. */
  weigh(): void {
    const { order, members } = this.#graph;
    const functions = this.#layout.functionTypes.length;
    for (let place = 0; place < order.length; place++) {
      const node = order.at(place);
      if (node < functions) this.#entry[node] = this.#walk(node - this.#layout.importedFunctions, false);
      else this.#weighClass(node - functions);
    }
    // A class in a circle was weighed before all its members were.
    members.forEach((_, index) => this.#weighClass(index));
    for (let index = 0; index < this.#code.functions.length - 1; index++) {
      if (this.#needsWeights[index] !== 1) continue;
      this.#measurer.measure(index);
      this.#walk(index, true);
    }
  }

  #weighClass(index: number): void {
    const members = this.#graph.members[index];
    let highest = this.#graph.foreign[index] === 1 ? importCost : 0;
    for (let item = 0; members && item < members.length; item++) {
      highest = Math.max(highest, this.#entry[members.at(item)] ?? 0);
    }
    this.#entry[this.#layout.functionTypes.length + index] = highest;
  }

  /**
   * Walks from the end of a function to its entry; `cost` is that of the longest path from here to the next check.
   * Returns the cost from the entry. Only when `isFinal` are weights written and checks added.
   */
  #walk(index: number, isFinal: boolean): number {
    const { events, functions } = this.#code;
    const { kinds, arguments: values, costs } = events;
    const first = functions.firstEvent(index);
    let cost = 0;
    let handler = 0;
    for (let event = functions.firstEvent(index + 1) - 1; event >= first; event--) {
      const argument = values[event] ?? 0;
      switch (kinds[event]) {
        case Kind.end:
        case Kind.delegate: {
          const kind = argument < 0 ? Kind.block : events.kind(argument);
          this.#handlers.push(handler);
          // The labels of a try_table count from outside of it.
          if (kind === Kind.tryTable) {
            for (const label of catchLabels(this.#layout.bytes, events.offset(argument))) {
              handler = Math.max(handler, this.#costOf(label));
            }
          }
          // What comes after a branch back was paid for when the loop was entered.
          const label = kind === Kind.loop ? 0 : cost;
          this.#label.push(label);
          this.#else.push(label);
          this.#begins.push(argument);
          const outer = this.#rounds.length > 0 ? this.#rounds.at(this.#rounds.length - 1) : 0;
          const relies = kind === Kind.loop && this.#has(argument, Mark.relies);
          this.#rounds.push(relies ? Math.max(outer, this.weights[argument] ?? 0) : outer);
          break;
        }
        case Kind.block:
        case Kind.try:
        case Kind.tryTable:
          handler = this.#close();
          break;
        case Kind.brIf:
          cost = this.#passBranch(event, cost, isFinal);
          break;
        case Kind.call:
          cost = Math.max(cost, handler) + (this.#entry[argument] ?? 0);
          break;
        case Kind.loop:
          handler = this.#close();
          if (isFinal && (this.weights[event] ?? 0) > maxSplitCost) this.#unmark(event, Mark.split);
          if (this.#has(event, Mark.unroll)) cost += this.#uncheckedRounds(event);
          break;
        case Kind.if:
          cost = Math.max(cost, this.#else.at(this.#else.length - 1));
          handler = this.#close();
          break;
        case Kind.else:
          this.#else.set(this.#else.length - 1, cost);
          cost = this.#costOf(0);
          break;
        case Kind.catch:
          handler = Math.max(handler, cost);
          cost = this.#costOf(0);
          break;
        case Kind.br:
          cost = this.#costOf(argument);
          break;
        case Kind.brTable:
          cost = 0;
          for (const label of tableLabels(this.#layout.bytes, events.offset(event))) {
            cost = Math.max(cost, this.#costOf(label));
          }
          break;
        case Kind.return:
        case Kind.unreachable:
          cost = 0;
          break;
        case Kind.throw:
          cost = handler;
          break;
        case Kind.returnCall:
          cost = this.#entry[argument] ?? 0;
          break;
        case Kind.callIndirect:
          cost = Math.max(cost, handler) + this.#entryOfType(argument);
          break;
        case Kind.returnCallIndirect:
          cost = this.#entryOfType(argument);
          break;
      }
      const own = costs[event] ?? 0;
      // Nearly all events neither have a check nor need one.
      const isPlain = this.#marks[event] === 0 && cost + own <= maxPathCost;
      cost = own + (isPlain ? cost : this.#passCheck(index, event, cost, isFinal));
    }
    // The `end` of the function opened the last block.
    this.#close();
    return cost;
  }

  /** A `br_if`: its own check covers the branch that is taken; one before it is put there when the other way is long. */
  #passBranch(event: number, cost: number, isFinal: boolean): number {
    if (!this.#has(event, Mark.checkedBranch)) {
      return Math.max(cost, this.#costOf(this.#code.events.argument(event)));
    }
    if (isFinal && cost + this.#code.events.cost(event) > maxPathCost) {
      this.#unmark(event, Mark.checkedBranch);
      this.#mark(event, Mark.check);
    }
    return cost;
  }

  /** The cost just before an event, without its own: 0 where a check pays for all that follows. */
  #passCheck(index: number, event: number, cost: number, isFinal: boolean): number {
    const hasCheck = this.#has(event, isCheck);
    const isLong = cost + this.#code.events.cost(event) > maxPathCost;
    if (hasCheck || isLong) this.#needsWeights[index] = 1;
    if (isFinal && isLong && !this.#has(event, Mark.checkedBranch)) this.#mark(event, Mark.check);
    const paysAll = this.#has(event, Mark.check);
    if (isFinal && this.#has(event, isCheck)) {
      const rounds = Math.max(this.#rounds.at(this.#rounds.length - 1), this.#roundOf(event));
      this.weights[event] = Math.min(Math.max(paysAll ? cost + 1 : 0, rounds), maxWeight);
    }
    if (paysAll) return 0;
    // Where the last walk will put a check the first only stops counting: its costs may be the higher ones.
    return isLong ? Math.min(cost, maxPathCost) : cost;
  }

  /** The longest round of the loops that a branch leads back to; 0 when it leads back to none. */
  #roundOf(event: number): number {
    const { events } = this.#code;
    const kind = events.kind(event);
    if (kind !== Kind.br && kind !== Kind.brIf && kind !== Kind.brTable) return 0;
    const labels = kind === Kind.brTable
      ? tableLabels(this.#layout.bytes, events.offset(event))
      : [events.argument(event)];
    let longest = 0;
    for (const label of labels) {
      const begin = this.#begins.at(this.#begins.length - 1 - label);
      const isLoop = begin >= 0 && events.kind(begin) === Kind.loop;
      if (isLoop) longest = Math.max(longest, this.weights[begin] ?? 0);
    }
    return longest;
  }

  /** Cost of the rounds that an unrolled loop makes before its first check: all its instructions, so often. */
  #uncheckedRounds(begin: number): number {
    const { events } = this.#code;
    let body = 0;
    for (
      let event = begin + 1;
      events.argument(event) !== begin || events.kind(event) !== Kind.end;
      event++
    ) {
      body += events.cost(event);
    }
    return body * (copies - 1);
  }

  #has(event: number, mark: number): boolean {
    return ((this.#marks[event] ?? 0) & mark) !== 0;
  }

  #mark(event: number, mark: number): void {
    this.#marks[event] = (this.#marks[event] ?? 0) | mark;
  }

  #unmark(event: number, mark: number): void {
    this.#marks[event] = (this.#marks[event] ?? 0) & ~mark;
  }

  #costOf(label: number): number {
    return this.#label.at(this.#label.length - 1 - label);
  }

  #entryOfType(type: number): number {
    const itsClass = this.#graph.classOfType[type] ?? 0;
    return this.#entry[this.#layout.functionTypes.length + itsClass] ?? 0;
  }

  /** Leaves a block through its beginning; returns the cost of the handlers outside of it. */
  #close(): number {
    this.#label.pop();
    this.#else.pop();
    this.#begins.pop();
    this.#rounds.pop();
    return this.#handlers.pop();
  }
}
