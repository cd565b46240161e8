import { type Output, writeOrLose } from "./io.ts";

const gatherMs = 2;

/**
 * An output that gathers what is written within two milliseconds and hands it on with one call: a system call a line, or
 * a timer a turn of the event loop, costs a server as much as the function that logs it. What cannot be written is lost.
 */
export class BatchedOutput implements Output {
  readonly #to: Output;
  #buffer = new Uint8Array(64 * 1024);
  #length = 0;
  #scheduled = false;

  constructor(to: Output) {
    this.#to = to;
  }

  isTerminal(): boolean {
    return this.#to.isTerminal();
  }

  write(bytes: Uint8Array | string): void {
    const data = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
    if (this.#length + data.length > this.#buffer.length) this.flush();
    if (data.length > this.#buffer.length) {
      writeOrLose(this.#to, data);
      return;
    }
    this.#buffer.set(data, this.#length);
    this.#length += data.length;
    if (!this.#scheduled) {
      this.#scheduled = true;
      setTimeout(this.#handOn, gatherMs);
    }
  }

  /** Hands on what is gathered. Called by the owner before the process or thread ends. */
  flush(): void {
    if (this.#length === 0) return;
    writeOrLose(this.#to, this.#buffer.subarray(0, this.#length));
    this.#length = 0;
  }

  readonly #handOn = () => {
    this.#scheduled = false;
    this.flush();
  };
}
