/**
 * The instructions that the rewriter looks at, called events; all others only add to the cost of
 * the next event. Most kinds have the number of their opcode. A switch over kinds is written as
 * `case 0x0b satisfies typeof Kind.end`; see `format/instructions.ts`.
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
  /** `call_indirect` and `call_ref`. */
  callIndirect: 0x11,
  returnCall: 0x12,
  /** `return_call_indirect` and `return_call_ref`. */
  returnCallIndirect: 0x13,
  refFunc: 0x14,
  /** An instruction whose length, a number of bytes or elements, is on top of the stack. */
  bulk: 0x15,
  /** `memory.size` of memory 0. */
  memorySize: 0x16,
  /** `memory.grow` of memory 0. */
  memoryGrow: 0x17,
  delegate: 0x18,
  /** `br_on_null` and its kin: conditional branches that keep values on the stack. */
  brOn: 0x19,
  /** `memory.atomic.wait32` and `memory.atomic.wait64`. */
  wait: 0x1a,
  tryTable: 0x1f,
} as const;

/** Flag of a `loop`: it has parameters, which a block around its branches would hide. */
export const LOOP_HAS_PARAMETERS = 1;
/** Flag of a `loop`: a catch clause branches to its head. */
export const LOOP_IS_CAUGHT = 2;

/** Flag of a `bulk`: its length is a small constant, which needs no check at run time. */
export const BULK_IS_SMALL = 1;
/** Flag of a `bulk`: its length is an i64. */
export const BULK_IS_64 = 2;
/** Flag of a `bulk`: it makes an array of its length. */
export const BULK_MAKES_ARRAY = 4;

/**
 * The events of a module, in the order of the file. Walks read the arrays directly: a module is
 * prepared once, before the engine has optimized anything (bench: `prepare`).
 */
export class Events {
  length = 0;
  /** Offset of the opcode. */
  offsets: Int32Array;
  /** A `Kind`. */
  kinds: Uint8Array;
  /**
   * A label (br, br_if, br_on_…), a function (call, return_call, ref.func), a type (calls through
   * a table or a reference), the event that began the block (end, delegate; -1 for the function),
   * or flags (loop, bulk).
   */
  arguments: Int32Array;
  /** Cost of this instruction and of those since the previous event. */
  costs: Int32Array;

  constructor(capacity: number) {
    this.offsets = new Int32Array(capacity);
    this.kinds = new Uint8Array(capacity);
    this.arguments = new Int32Array(capacity);
    this.costs = new Int32Array(capacity);
  }

  /** Makes room for `more` events. */
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
