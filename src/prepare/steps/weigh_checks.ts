import type { CallGraph } from "../scan/call_graph.ts";
import { Kind } from "../scan/events.ts";
import type { Layout } from "../format/layout.ts";
import { LoopMeasurer } from "./measure_loops.ts";
import type { CheckPlacer } from "./place_checks.ts";
import { copies, Mark } from "../plan/marks.ts";
import { catchLabels, tableLabels } from "../format/labels.ts";
import type { Code } from "../scan/code.ts";

/** Cost of a call of an import, in plain instructions: the way to JavaScript and back. */
const importCost = 200;

/** A path without a check gets one before it costs more than this many instructions. */
const maxPathCost = 65_536;

/**
 * Highest weight of a check. The longest path through a tree of calls is hardly ever taken: without
 * a bound the counter would run out far too early.
 */
const maxWeight = 4096;

/** Longest iteration of a loop that is split: in a longer one the call would not be felt. */
const maxSplitCost = 64;

/** Marks of a check. */
const isCheck = Mark.check | Mark.checkedBranch;

/** An open block; blocks are met from their end. */
interface Block {
  /** Event that began it; -1 for the function. */
  readonly begin: number;
  readonly kind: number;
  /** Cost from the target of a branch to it. */
  readonly label: number;
  /** Cost of its `else` part; `label` without one. */
  otherwise: number;
  /** Highest cost of the handlers outside it that an exception may reach. */
  readonly handler: number;
  /** Longest iteration of the loops around it that rely on the checks inside them. */
  readonly round: number;
}

/**
 * Weighs each check, so that the counter goes down by at least one for each instruction that runs
 * (one for sixteen where `maxWeight` bounds a weight). This is an amortised cost by longest paths:
 * everything is paid for before it runs.
 *
 * - The caller of a function pays for the longest path through it, each loop once, to its first
 *   check.
 * - A check pays for the longest path from it to the next check.
 * - A check at a branch back to a loop pays for the iteration that was made, so that the path on
 *   from the loop's head, paid for when the loop was entered, is paid for again.
 *
 * A path that would cost more than `maxPathCost` gets a check: a pyramid of functions that each
 * call the next one ten times does not end either, though it has no cycle.
 */
export class CheckWeigher {
  readonly #layout: Layout;
  readonly #code: Code;
  readonly #graph: CallGraph;
  readonly #marks: Uint8Array;
  /** 1 for each function that has a loop. */
  readonly #hasLoop: Uint8Array;
  /**
   * For each event with a check, its weight; for each `loop`, the cost of its longest iteration.
   */
  readonly weights: Int32Array;
  /** Cost from the entry of each node of the call graph to its first check. */
  readonly #entry: Int32Array;
  /** 1 for each class of the call graph that was weighed before all its members were. */
  readonly #isPartial: Uint8Array;
  /**
   * 1 for each defined function that is weighed again: it calls a function that was not weighed
   * yet, or has a path that is too long.
   */
  readonly #isUnsure: Uint8Array;
  readonly #measurer: LoopMeasurer;

  /** Innermost block last. */
  readonly #open: Block[] = [];

  constructor(
    layout: Layout,
    code: Code,
    graph: CallGraph,
    placed: Pick<CheckPlacer, "marks" | "hasLoop">,
  ) {
    this.#layout = layout;
    this.#code = code;
    this.#graph = graph;
    this.#marks = placed.marks;
    this.#hasLoop = placed.hasLoop;
    this.weights = new Int32Array(code.events.length);
    this.#entry = new Int32Array(layout.functionTypes.length + graph.members.length);
    this.#entry.fill(importCost, 0, layout.importedFunctions);
    this.#isPartial = new Uint8Array(this.#entry.length);
    this.#isUnsure = new Uint8Array(code.functions.length);
    const options = { rounds: this.weights, maxRound: maxWeight, entry: this.#entry, graph };
    this.#measurer = new LoopMeasurer(layout, code, options);
  }

  /** Weighs the checks of all functions, and adds those that long paths need. */
  weigh(): void {
    const { order, members } = this.#graph;
    const functions = this.#layout.functionTypes.length;
    for (let place = 0; place < order.length; place++) {
      const node = order.at(place);
      if (node < functions) {
        this.#entry[node] = this.#weigh(node - this.#layout.importedFunctions, false);
      } else this.#weighClass(node - functions);
    }
    // Calls in a cycle have a known cost only now.
    for (let index = 0; index < members.length; index++) this.#weighClass(index);
    for (let index = 0; index < this.#code.functions.length - 1; index++) {
      if (this.#isUnsure[index] === 1) this.#weigh(index, true);
    }
  }

  /** Weighs the checks of a function, and returns the cost from its entry to the first. */
  #weigh(index: number, isFinal: boolean): number {
    if (this.#hasLoop[index] === 1) this.#measurer.measure(index);
    return this.#walk(index, isFinal);
  }

  #weighClass(index: number): void {
    const members = this.#graph.members[index];
    const node = this.#layout.functionTypes.length + index;
    let highest = this.#graph.foreign[index] === 1 ? importCost : 0;
    for (let item = 0; members && item < members.length; item++) {
      const entry = this.#entry[members.at(item)] ?? 0;
      if (entry > highest) highest = entry;
      if (entry === 0) this.#isPartial[node] = 1;
    }
    this.#entry[node] = highest;
  }

  /**
   * Walks from the end of a function to its entry; `cost` is that of the longest path from here to
   * the next check. Returns the cost from the entry. Adds checks only when `isFinal`.
   */
  #walk(index: number, isFinal: boolean): number {
    const { events, functions } = this.#code;
    const { offsets, kinds, arguments: values, costs } = events;
    const { bytes } = this.#layout;
    const { weights } = this;
    const marks = this.#marks;
    const open = this.#open;
    const first = functions.firstEvent[index] ?? 0;
    let cost = 0;
    let handler = 0;
    for (let event = (functions.firstEvent[index + 1] ?? 0) - 1; event >= first; event--) {
      const argument = values[event] ?? 0;
      const mark = marks[event] ?? 0;
      switch (kinds[event]) {
        case 0x0b satisfies typeof Kind.end:
        case 0x18 satisfies typeof Kind.delegate: {
          const kind = argument < 0 ? Kind.block : kinds[argument] ?? 0;
          const outer = handler;
          // The labels of a try_table count from outside it.
          if (kind === Kind.tryTable) {
            handler = Math.max(handler, this.#highest(catchLabels(bytes, offsets[argument] ?? 0)));
          }
          // The path after a branch back was paid for when the loop was entered.
          const label = kind === Kind.loop ? 0 : cost;
          let round = open[open.length - 1]?.round ?? 0;
          if (kind === Kind.loop && ((marks[argument] ?? 0) & Mark.relies) !== 0) {
            round = Math.max(round, weights[argument] ?? 0);
          }
          open.push({ begin: argument, kind, label, otherwise: label, handler: outer, round });
          break;
        }
        case 0x0d satisfies typeof Kind.brIf:
          if ((mark & Mark.checkedBranch) === 0) {
            const label = open[open.length - 1 - argument]?.label ?? 0;
            if (label > cost) cost = label;
          } else if (isFinal) this.#passBranch(event, cost);
          break;
        case 0x19 satisfies typeof Kind.brOn:
          cost = Math.max(cost, open[open.length - 1 - argument]?.label ?? 0);
          break;
        case 0x10 satisfies typeof Kind.call:
          if (handler > cost) cost = handler;
          cost += this.#entryOf(argument, index);
          break;
        case 0x02 satisfies typeof Kind.block:
        case 0x06 satisfies typeof Kind.try:
        case 0x1f satisfies typeof Kind.tryTable:
          handler = open.pop()?.handler ?? 0;
          break;
        case 0x04 satisfies typeof Kind.if: {
          const block = open.pop();
          if (!block) break;
          if (block.otherwise > cost) cost = block.otherwise;
          handler = block.handler;
          break;
        }
        case 0x0c satisfies typeof Kind.br:
          cost = open[open.length - 1 - argument]?.label ?? 0;
          break;
        case 0x03 satisfies typeof Kind.loop:
          handler = open.pop()?.handler ?? 0;
          if ((weights[event] ?? 0) > maxSplitCost) marks[event] = mark & ~Mark.split;
          if ((mark & Mark.unroll) !== 0) cost += this.#uncheckedRounds(event);
          break;
        case 0x05 satisfies typeof Kind.else:
          this.#block(0).otherwise = cost;
          cost = this.#block(0).label;
          break;
        case 0x07 satisfies typeof Kind.catch:
          handler = Math.max(handler, cost);
          cost = this.#block(0).label;
          break;
        case 0x0e satisfies typeof Kind.brTable:
          cost = this.#highest(tableLabels(bytes, offsets[event] ?? 0));
          break;
        case 0x0f satisfies typeof Kind.return:
        case 0x00 satisfies typeof Kind.unreachable:
          cost = 0;
          break;
        case 0x08 satisfies typeof Kind.throw:
          cost = handler;
          break;
        case 0x12 satisfies typeof Kind.returnCall:
          cost = this.#entryOf(argument, index);
          break;
        case 0x11 satisfies typeof Kind.callIndirect:
          cost = Math.max(cost, handler) + this.#entryOf(this.#nodeOfType(argument), index);
          break;
        case 0x13 satisfies typeof Kind.returnCallIndirect:
          cost = this.#entryOf(this.#nodeOfType(argument), index);
          break;
      }
      const own = costs[event] ?? 0;
      // Hot path (bench: `prepare`): nearly all events neither have a check nor need one.
      const isPlain = mark === 0 && cost + own <= maxPathCost;
      cost = own + (isPlain ? cost : this.#passCheck(index, event, cost, isFinal));
    }
    // The `end` of the function opened the last block.
    open.pop();
    return cost;
  }

  /** Moves the check of a `br_if` before it when the path without the branch is long. */
  #passBranch(event: number, cost: number): void {
    if (cost + this.#code.events.cost(event) <= maxPathCost) return;
    this.#marks[event] = ((this.#marks[event] ?? 0) & ~Mark.checkedBranch) | Mark.check;
  }

  /** Returns the cost before an event without its own: 0 if a check pays for all that follows. */
  #passCheck(index: number, event: number, cost: number, isFinal: boolean): number {
    let mark = this.#marks[event] ?? 0;
    const isLong = cost + (this.#code.events.costs[event] ?? 0) > maxPathCost;
    if (isLong) this.#isUnsure[index] = 1;
    if (isFinal && isLong && (mark & Mark.checkedBranch) === 0) {
      this.#marks[event] = mark |= Mark.check;
    }
    const paysAll = (mark & Mark.check) !== 0;
    if ((mark & isCheck) !== 0) {
      const round = Math.max(this.#block(0).round, this.#roundOf(event));
      this.weights[event] = Math.min(Math.max(paysAll ? cost + 1 : 0, round), maxWeight);
    }
    if (paysAll) return 0;
    // The first walk only bounds the cost where the last one will add a check.
    return isLong ? Math.min(cost, maxPathCost) : cost;
  }

  /** Returns the longest iteration of the loops that a branch leads back to, 0 without one. */
  #roundOf(event: number): number {
    const { kinds, arguments: values, offsets } = this.#code.events;
    const kind = kinds[event];
    if (kind === Kind.br || kind === Kind.brIf || kind === Kind.brOn) {
      return this.#roundTo(values[event] ?? 0);
    }
    let longest = 0;
    if (kind === Kind.brTable) {
      const labels = tableLabels(this.#layout.bytes, offsets[event] ?? 0);
      for (const label of labels) longest = Math.max(longest, this.#roundTo(label));
    }
    return longest;
  }

  #roundTo(label: number): number {
    const { kind, begin } = this.#block(label);
    return kind === Kind.loop ? this.weights[begin] ?? 0 : 0;
  }

  /** Returns the cost of the iterations that an unrolled loop makes before its first check. */
  #uncheckedRounds(begin: number): number {
    const { kinds, arguments: values, costs } = this.#code.events;
    let body = 0;
    for (let event = begin + 1; values[event] !== begin || kinds[event] !== Kind.end; event++) {
      body += costs[event] ?? 0;
    }
    return body * (copies - 1);
  }

  #highest(labels: readonly number[]): number {
    let highest = 0;
    for (const label of labels) highest = Math.max(highest, this.#block(label).label);
    return highest;
  }

  #block(label: number): Block {
    const block = this.#open[this.#open.length - 1 - label];
    if (!block) throw new Error(`the scan accepted the label ${label}, which has no block`);
    return block;
  }

  /** Returns the entry cost of a node that the function `index` calls: above 0 once weighed. */
  #entryOf(node: number, index: number): number {
    const entry = this.#entry[node] ?? 0;
    if (entry === 0 || this.#isPartial[node] === 1) this.#isUnsure[index] = 1;
    return entry;
  }

  #nodeOfType(type: number): number {
    return this.#layout.functionTypes.length + (this.#graph.classOfType[type] ?? 0);
  }
}
