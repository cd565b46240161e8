import type { CallGraph } from "../scan/call_graph.ts";
import { Kind } from "../scan/events.ts";
import type { Layout } from "../format/layout.ts";
import { catchLabels, tableLabels } from "../format/labels.ts";
import type { Code } from "../scan/code.ts";

/** Distance of unreachable code. */
const nowhere = -1;

/** An open block. A distance is the cost of the longest path from the function's entry. */
interface Block {
  /** Event that began it; -1 for the function. */
  begin: number;
  kind: number;
  /** Distance of its beginning; `nowhere` once an `else` has used it. */
  from: number;
  /** Longest distance that branches bring to its end. */
  atEnd: number;
  /** Longest distance inside it, kept where it is in a `try`: a call may throw there. */
  peak: number;
}

/**
 * Measures for each loop of a function the cost of its longest iteration, from its head to a branch
 * back, and writes it to `rounds` at the loop's event. An inner loop counts with one iteration: the
 * others are paid for at its own branches.
 *
 * All paths into a loop lead over its head, so the longest iteration is the difference of two
 * distances from the function's entry, and one pass finds all.
 */
export class LoopMeasurer {
  readonly #layout: Layout;
  readonly #code: Code;
  readonly #rounds: Int32Array;
  /** Cost of a call to its caller, by nodes of the call graph. */
  readonly #entry: Int32Array;
  readonly #graph: CallGraph;
  readonly #maxRound: number;
  readonly #open: Block[] = [];
  /** Number of open blocks that are a `try` or a `try_table`. */
  #tries = 0;

  constructor(
    layout: Layout,
    code: Code,
    options: { rounds: Int32Array; maxRound: number; entry: Int32Array; graph: CallGraph },
  ) {
    this.#layout = layout;
    this.#code = code;
    this.#rounds = options.rounds;
    this.#maxRound = options.maxRound;
    this.#entry = options.entry;
    this.#graph = options.graph;
  }

  measure(index: number): void {
    const { events, functions } = this.#code;
    const { offsets, kinds, arguments: values, costs } = events;
    const { bytes, functionTypes } = this.#layout;
    const open = this.#open;
    const entry = this.#entry;
    const last = functions.firstEvent[index + 1] ?? 0;
    let distance = 0;
    this.#begin(-1, Kind.block, distance);
    for (let event = functions.firstEvent[index] ?? 0; event < last; event++) {
      const kind = kinds[event] ?? 0;
      const argument = values[event] ?? 0;
      const isReached = distance !== nowhere;
      if (isReached) distance += costs[event] ?? 0;
      switch (kind) {
        case 0x0b satisfies typeof Kind.end:
        case 0x18 satisfies typeof Kind.delegate: {
          const block = open.pop();
          if (!block) break;
          if (block.kind === Kind.if && block.from > distance) distance = block.from;
          if (block.atEnd > distance) distance = block.atEnd;
          if (this.#tries > 0) this.#endInTry(block, distance);
          break;
        }
        case 0x0d satisfies typeof Kind.brIf:
        case 0x19 satisfies typeof Kind.brOn:
          if (isReached) this.#branch(argument, distance);
          break;
        case 0x10 satisfies typeof Kind.call:
          if (isReached) distance += entry[argument] ?? 0;
          break;
        case 0x11 satisfies typeof Kind.callIndirect: {
          const itsClass = this.#graph.classOfType[argument] ?? 0;
          if (isReached) distance += entry[functionTypes.length + itsClass] ?? 0;
          break;
        }
        case 0x02 satisfies typeof Kind.block:
        case 0x04 satisfies typeof Kind.if:
        case 0x03 satisfies typeof Kind.loop:
        case 0x06 satisfies typeof Kind.try:
        case 0x1f satisfies typeof Kind.tryTable:
          this.#begin(event, kind, distance);
          break;
        case 0x0c satisfies typeof Kind.br:
          if (isReached) this.#branch(argument, distance);
          distance = nowhere;
          break;
        case 0x0e satisfies typeof Kind.brTable:
          for (const label of tableLabels(bytes, offsets[event] ?? 0)) {
            if (isReached) this.#branch(label, distance);
          }
          distance = nowhere;
          break;
        case 0x05 satisfies typeof Kind.else:
        case 0x07 satisfies typeof Kind.catch: {
          const block = open[open.length - 1];
          if (!block) break;
          block.atEnd = Math.max(block.atEnd, distance);
          block.peak = Math.max(block.peak, distance);
          distance = kind === Kind.else ? block.from : block.peak;
          if (kind === Kind.else) block.from = nowhere;
          break;
        }
        case 0x0f satisfies typeof Kind.return:
        case 0x08 satisfies typeof Kind.throw:
        case 0x00 satisfies typeof Kind.unreachable:
        case 0x12 satisfies typeof Kind.returnCall:
        case 0x13 satisfies typeof Kind.returnCallIndirect: {
          if (this.#tries > 0) this.#reach(distance);
          distance = nowhere;
          break;
        }
      }
    }
  }

  #begin(begin: number, kind: number, from: number): void {
    this.#open.push({ begin, kind, from, atEnd: nowhere, peak: from });
    if (kind === Kind.loop) this.#rounds[begin] = 1;
    else if (kind === Kind.try || kind === Kind.tryTable) this.#tries++;
  }

  /** Ends a block that is a `try` or is in one: an exception may come from anywhere inside it. */
  #endInTry(block: Block, distance: number): void {
    const peak = block.peak > distance ? block.peak : distance;
    this.#reach(peak);
    if (block.kind === Kind.try || block.kind === Kind.tryTable) this.#tries--;
    if (block.kind !== Kind.tryTable || peak === nowhere) return;
    const at = this.#code.events.offset(block.begin);
    for (const label of catchLabels(this.#layout.bytes, at)) this.#branch(label, peak);
  }

  /** Notes a branch from reachable code. */
  #branch(label: number, distance: number): void {
    const block = this.#open[this.#open.length - 1 - label];
    if (!block) return;
    if (this.#tries > 0) this.#reach(distance);
    if (block.kind !== Kind.loop) {
      if (distance > block.atEnd) block.atEnd = distance;
      return;
    }
    const round = Math.min(distance - block.from, this.#maxRound);
    if (round > (this.#rounds[block.begin] ?? 0)) this.#rounds[block.begin] = round;
  }

  /** Notes a distance in the innermost block. */
  #reach(distance: number): void {
    const block = this.#open[this.#open.length - 1];
    if (block && distance > block.peak) block.peak = distance;
  }
}
