/** A growing list of 32-bit integers, compact enough to hold a fact about each instruction. */
export class Ints {
  #data: Int32Array;
  length = 0;

  constructor(capacity = 64) {
    this.#data = new Int32Array(capacity);
  }

  push(value: number): void {
    if (this.length === this.#data.length) {
      const grown = new Int32Array(this.length * 2 + 64);
      grown.set(this.#data);
      this.#data = grown;
    }
    this.#data[this.length++] = value;
  }

  /** Adds three numbers. */
  pushSpan(from: number, to: number, length: number): void {
    this.push(from);
    this.push(to);
    this.push(length);
  }

  at(index: number): number {
    return this.#data[index] ?? 0;
  }
}
