import { Ints } from "../format/ints.ts";

/** The defined functions by number, 0 being the first that is not imported. */
export class ScannedFunctions {
  readonly #numbers = new Ints(1024);

  get length(): number {
    return this.#numbers.length / 5;
  }

  push(sizeAt: number, start: number, codeStart: number, locals: number, firstEvent: number): void {
    for (const value of [sizeAt, start, codeStart, locals, firstEvent]) this.#numbers.push(value);
  }

  /** Offset of the size of the body. */
  sizeAt(index: number): number {
    return this.#numbers.at(index * 5);
  }

  /** Offset of the body, which begins with its locals. */
  start(index: number): number {
    return this.#numbers.at(index * 5 + 1);
  }

  /** Offset of the first instruction. */
  codeStart(index: number): number {
    return this.#numbers.at(index * 5 + 2);
  }

  /** Number of locals that are no parameters. */
  locals(index: number): number {
    return this.#numbers.at(index * 5 + 3);
  }

  /** Number of the first event; the last one is the `end` before the first event of the next function. */
  firstEvent(index: number): number {
    return this.#numbers.at(index * 5 + 4);
  }
}
