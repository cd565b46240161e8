/** Instructions that the rewriter looks at; all others only add to the cost of the next one of these. */
export const Kind = {
  block: 1,
  loop: 2,
  if: 3,
  else: 4,
  end: 5,
  try: 6,
  catch: 7,
  delegate: 8,
  tryTable: 9,
  br: 10,
  brIf: 11,
  brTable: 12,
  return: 13,
  throw: 14,
  unreachable: 15,
  call: 16,
  returnCall: 17,
  callIndirect: 18,
  returnCallIndirect: 19,
  refFunc: 20,
  bulk: 21,
  /** `memory.size` of memory 0. */
  memorySize: 22,
  /** `memory.grow` of memory 0. */
  memoryGrow: 23,
} as const;

/** Flag in the argument of a `loop`: it has parameters, which a block around its branches would hide. */
export const LOOP_HAS_PARAMETERS = 1;
/** Flag in the argument of a `loop`: a catch clause branches to its head, from any call inside of the `try_table`. */
export const LOOP_IS_CAUGHT = 2;

/** Argument of a `bulk` whose length is a small constant, which needs no look while it runs. */
export const BULK_IS_SMALL = 1;

/**
 * The instructions of a module that the rewriter looks at, in the order of the file. The lists are read directly by the
 * walks over them: a module is prepared while somebody waits, before the engine has optimized anything.
 */
export class Events {
  length = 0;
  /** Offset of the opcode. */
  offsets = new Int32Array(1024);
  /** A `Kind`. */
  kinds = new Uint8Array(1024);
  /**
   * A label (br, br_if), a function (call, return_call, ref.func), a type (the table calls), the event that began the block
   * (end, delegate; -1 for the function), or flags (loop, bulk).
   */
  arguments = new Int32Array(1024);
  /** Cost of this instruction and those since the last one listed. */
  costs = new Int32Array(1024);

  /** Makes room for so many more. */
  reserve(more: number): void {
    if (this.length + more > this.kinds.length) this.#grow(this.length + more);
  }

  /** Adds one, for which there is room. */
  push(offset: number, kind: number, argument: number, cost: number): void {
    const event = this.length++;
    this.offsets[event] = offset;
    this.kinds[event] = kind;
    this.arguments[event] = argument;
    this.costs[event] = cost;
  }

  offset(event: number): number {
    return this.offsets[event] ?? 0;
  }

  kind(event: number): number {
    return this.kinds[event] ?? 0;
  }

  argument(event: number): number {
    return this.arguments[event] ?? 0;
  }

  addFlag(event: number, flag: number): void {
    this.arguments[event] = this.argument(event) | flag;
  }

  cost(event: number): number {
    return this.costs[event] ?? 0;
  }

  #grow(needed: number): void {
    const { offsets, kinds, arguments: values, costs } = this;
    const size = Math.max(needed, kinds.length * 2);
    this.offsets = new Int32Array(size);
    this.offsets.set(offsets);
    this.kinds = new Uint8Array(size);
    this.kinds.set(kinds);
    this.arguments = new Int32Array(size);
    this.arguments.set(values);
    this.costs = new Int32Array(size);
    this.costs.set(costs);
  }
}
