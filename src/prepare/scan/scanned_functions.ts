/** The defined functions by number, 0 being the first that is not imported. */
export class ScannedFunctions {
  readonly #numbers: Int32Array;
  #used = 0;

  /** Room for so many. */
  constructor(capacity: number) {
    this.#numbers = new Int32Array(capacity * 5);
  }

  get length(): number {
    return this.#used / 5;
  }

  push(sizeAt: number, start: number, codeStart: number, locals: number, firstEvent: number): void {
    const numbers = this.#numbers;
    const at = this.#used;
    numbers[at] = sizeAt;
    numbers[at + 1] = start;
    numbers[at + 2] = codeStart;
    numbers[at + 3] = locals;
    numbers[at + 4] = firstEvent;
    this.#used = at + 5;
  }

  /** Offset of the size of the body. */
  sizeAt(index: number): number {
    return this.#numbers[index * 5] ?? 0;
  }

  /** Offset of the body, which begins with its locals. */
  start(index: number): number {
    return this.#numbers[index * 5 + 1] ?? 0;
  }

  /** Offset of the first instruction. */
  codeStart(index: number): number {
    return this.#numbers[index * 5 + 2] ?? 0;
  }

  /** Number of locals that are no parameters. */
  locals(index: number): number {
    return this.#numbers[index * 5 + 3] ?? 0;
  }

  /** Number of the first event; the last one is the `end` before the first event of the next function. */
  firstEvent(index: number): number {
    return this.#numbers[index * 5 + 4] ?? 0;
  }
}
