import { Ints } from "./ints.ts";

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
} as const;

/** Flag in the argument of a `loop`: it has parameters, which a block around its branches would hide. */
export const LOOP_HAS_PARAMETERS = 1;
/** Flag in the argument of a `loop`: a catch clause branches to its head, from any call inside of the `try_table`. */
export const LOOP_IS_CAUGHT = 2;

/** Argument of a `bulk` whose length is a small constant, which needs no look while it runs. */
export const BULK_IS_SMALL = 1;

/**
 * The instructions of a module that the rewriter looks at, in the order of the file, as four numbers each:
 *
 *     offset of the opcode | Kind | argument | cost of this instruction and those since the last one listed
 *
 * The argument is a label (br, br_if), a function (call, return_call, ref.func), a type (the table calls), the event
 * that began the block (end, delegate), or flags (loop, bulk).
 */
export class Events {
  readonly #numbers = new Ints(4096);

  get length(): number {
    return this.#numbers.length >> 2;
  }

  push(offset: number, kind: number, argument: number, cost: number): void {
    this.#numbers.push(offset);
    this.#numbers.push(kind);
    this.#numbers.push(argument);
    this.#numbers.push(cost);
  }

  offset(event: number): number {
    return this.#numbers.at(event << 2);
  }

  kind(event: number): number {
    return this.#numbers.at((event << 2) + 1);
  }

  argument(event: number): number {
    return this.#numbers.at((event << 2) + 2);
  }

  addFlag(event: number, flag: number): void {
    const place = (event << 2) + 2;
    this.#numbers.set(place, this.#numbers.at(place) | flag);
  }

  cost(event: number): number {
    return this.#numbers.at((event << 2) + 3);
  }
}
