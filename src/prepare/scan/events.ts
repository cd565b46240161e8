/**
 * Instructions that the rewriter looks at; all others only add to the cost of the next one of these. Most have the number of
 * their opcode.
 *
 * Where each event is looked at, a `case` says the number and `satisfies typeof Kind.end` which one it is: of numbers V8
 * makes a table to jump by, of names a row of comparisons, and nothing is optimized yet when a module is prepared.
 */
export const Kind = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  try: 0x06,
  /** `catch` and `catch_all`. */
  catch: 0x07,
  /** `throw`, `rethrow` and `throw_ref`. */
  throw: 0x08,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  refFunc: 0x14,
  bulk: 0x15,
  /** `memory.size` of memory 0. */
  memorySize: 0x16,
  /** `memory.grow` of memory 0. */
  memoryGrow: 0x17,
  delegate: 0x18,
  tryTable: 0x1f,
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
  offsets: Int32Array;
  /** A `Kind`. */
  kinds: Uint8Array;
  /**
   * A label (br, br_if), a function (call, return_call, ref.func), a type (the table calls), the event that began the block
   * (end, delegate; -1 for the function), or flags (loop, bulk).
   */
  arguments: Int32Array;
  /** Cost of this instruction and those since the last one listed. */
  costs: Int32Array;

  constructor(capacity: number) {
    this.offsets = new Int32Array(capacity);
    this.kinds = new Uint8Array(capacity);
    this.arguments = new Int32Array(capacity);
    this.costs = new Int32Array(capacity);
  }

  /** Makes room for so many more. */
  reserve(more: number): void {
    if (this.length + more > this.kinds.length) this.#grow(this.length + more);
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
