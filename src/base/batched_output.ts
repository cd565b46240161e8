import { type Output, writeOrDrop } from "./io.ts";

const batchMs = 2;

/**
 * An output that writes in batches, one system call each: a call per line would cost a server as
 * much as the function that logs it. Bytes that cannot be written are dropped.
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
      writeOrDrop(this.#to, data);
      return;
    }
    this.#buffer.set(data, this.#length);
    this.#length += data.length;
    if (!this.#scheduled) {
      this.#scheduled = true;
      setTimeout(this.#flushBatch, batchMs);
    }
  }

  /** Writes the current batch. The owner calls it before the process or thread ends. */
  flush(): void {
    if (this.#length === 0) return;
    writeOrDrop(this.#to, this.#buffer.subarray(0, this.#length));
    this.#length = 0;
  }

  readonly #flushBatch = () => {
    this.#scheduled = false;
    this.flush();
  };
}
