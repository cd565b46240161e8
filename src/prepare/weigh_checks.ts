import type { CallGraph } from "./call_graph.ts";
import { Kind } from "./events.ts";
import { Ints } from "./ints.ts";
import type { Layout } from "./layout.ts";
import { copies, Mark } from "./marks.ts";
import { tableLabels } from "./place_checks.ts";
import { catchLabels, type Code } from "./scan.ts";

/** Instructions that a call of an import is worth: what it costs to come to JavaScript and back. */
const importCost = 200;

/** A path without a check is cut by one where it would get longer than this many instructions. */
const maxPathCost = 65_536;

/**
 * The weight of a check is at most this. The longest path through a tree of calls is hardly ever the one that is taken:
 * without this the counter would run out a hundred times too early.
 */
const maxWeight = 4096;

/** A loop is split when the path from its head is at most this long: in a longer one the call would not be felt. */
const maxSplitCost = 64;

const hasChecks = 1;
const hasCutCalls = 2;

/** Marks that stand for a check. */
const isCheck = Mark.check | Mark.checkedBranch;

/**
 * Gives each check its weight: the number of instructions on the longest path from it to the next check of the same
 * activation of its function, or to the function's end. A call on the way adds the longest path from the callee's entry
 * to its first check, for what comes after that is charged by the callee. So, up to `maxWeight`, the counter goes down by
 * at least one for each instruction that is run; where a weight is cut off there, by at least one for sixteen.
 *
 * A path that would get longer than `maxPathCost` gets a check: a pyramid of functions that each call the next one ten
 * times never ends either, though nothing in it goes in a circle.
 */
export class CheckWeigher {
  readonly #layout: Layout;
  readonly #code: Code;
  readonly #graph: CallGraph;
  readonly #marks: Uint8Array;
  /** For each event with a check, its weight; for each `loop`, the cost of the path from its head. */
  readonly weights: Int32Array;
  /** Cost from the entry of each node of the call graph to its first check. */
  readonly #entry: Int32Array;
  /** Of a defined function: 1 when it has checks, or a path that is too long; 2 when it makes calls that are cut. */
  readonly #needs: Uint8Array;

  // The blocks that are open. They are met from their end.
  /** Cost from where a branch to the block leads. */
  readonly #label = new Ints();
  /** Cost of the `else` part; the same as `label` without one. */
  readonly #else = new Ints();
  /** Highest cost of the handlers that an exception may reach outside of the block. */
  readonly #handlers = new Ints();

  constructor(layout: Layout, code: Code, graph: CallGraph, marks: Uint8Array) {
    this.#layout = layout;
    this.#code = code;
    this.#graph = graph;
    this.#marks = marks;
    this.weights = new Int32Array(code.events.length);
    this.#entry = new Int32Array(layout.functionTypes.length + graph.members.length);
    this.#entry.fill(importCost, 0, layout.importedFunctions);
    this.#needs = new Uint8Array(code.functions.length);
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
      const needs = this.#needs[index] ?? 0;
      if ((needs & hasChecks) === 0) continue;
      // The branches to loops need the costs from their heads, which were found when cut calls still cost nothing.
      if ((needs & hasCutCalls) !== 0) this.#walk(index, false);
      this.#walk(index, true);
    }
  }

  #weighClass(index: number): void {
    const members = this.#graph.members[index];
    let highest = importCost;
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
          const label = kind === Kind.loop ? this.weights[argument] ?? 0 : cost;
          this.#label.push(label);
          this.#else.push(label);
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
          if (this.#graph.cut[event] === 1) this.#noteCutCall(index);
          cost = Math.max(cost, handler) + (this.#entry[argument] ?? 0);
          break;
        case Kind.loop:
          handler = this.#close();
          this.weights[event] = cost;
          if (isFinal && cost > maxSplitCost) this.#unmark(event, Mark.split);
          // It may run that often before its first check.
          if (this.#has(event, Mark.unroll)) cost *= copies;
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
          if (this.#graph.cut[event] === 1) this.#noteCutCall(index);
          cost = this.#entry[argument] ?? 0;
          break;
        case Kind.callIndirect:
          if (this.#graph.cut[event] === 1) this.#noteCutCall(index);
          cost = Math.max(cost, handler) + this.#entryOfType(argument);
          break;
        case Kind.returnCallIndirect:
          if (this.#graph.cut[event] === 1) this.#noteCutCall(index);
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

  #noteCutCall(index: number): void {
    this.#needs[index] = (this.#needs[index] ?? 0) | hasCutCalls;
  }

  /** A `br_if`: its own check covers the branch that is taken; one before it is put there when the other way is long. */
  #passBranch(event: number, cost: number, isFinal: boolean): number {
    const taken = this.#costOf(this.#code.events.argument(event));
    if (!this.#has(event, Mark.checkedBranch)) return Math.max(cost, taken);
    if (!isFinal) return cost;
    this.weights[event] = Math.min(taken + 1, maxWeight);
    if (cost + this.#code.events.cost(event) <= maxPathCost) return cost;
    this.#unmark(event, Mark.checkedBranch);
    this.#mark(event, Mark.check);
    return Math.max(cost, taken);
  }

  /** The cost just before an event, without its own: 0 where a check stands. */
  #passCheck(index: number, event: number, cost: number, isFinal: boolean): number {
    if (this.#has(event, isCheck)) this.#needs[index] = (this.#needs[index] ?? 0) | hasChecks;
    const isLong = cost + this.#code.events.cost(event) > maxPathCost;
    if (isLong) this.#needs[index] = (this.#needs[index] ?? 0) | hasChecks;
    if (isFinal && isLong && !this.#has(event, isCheck)) this.#mark(event, Mark.check);
    if (this.#has(event, Mark.check)) {
      if (isFinal) this.weights[event] = Math.min(cost + 1, maxWeight);
      return 0;
    }
    // Where the last walk will put a check the others only stop counting: theirs may be the higher costs.
    return isLong ? Math.min(cost, maxPathCost) : cost;
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
    return this.#handlers.pop();
  }
}
