import { ByteBuffer } from "./byte_buffer.ts";
import type { Output, ProcessOutput } from "./io.ts";
import { printableBytes } from "./printable.ts";

const batchMs = 2;
/** Most bytes of one write, which is copied first. */
const pieceBytes = 64 * 1024;
/** Bytes that wait for a reader. */
const defaultMaxBytes = 8 << 20;
/** How long `close` waits for a reader, in milliseconds. */
const closeMs = 1000;

/** Settings of a batched output. */
export interface BatchedOutputOptions {
  /** Bytes that may wait for the reader; further writes are dropped. Default: 8 MiB. */
  readonly maxBytes?: number;
  /** Returns the line that reports dropped bytes. */
  readonly droppedLine: (bytes: number) => string;
}

/**
 * Output of a server and its guests. Writes never block: they are queued, and written in batches,
 * as a system call per line would cost as much as the function that logs it. While the reader is
 * slow and the queue is full, writes are dropped, and a line says how many bytes.
 *
 * On a terminal, control characters are escaped.
 */
export class BatchedOutput implements Output {
  readonly #to: ProcessOutput;
  readonly #maxBytes: number;
  readonly #droppedLine: (bytes: number) => string;
  readonly #isTerminal: boolean;
  #queue = new ByteBuffer();
  /** The buffer of the batch that is being written. */
  #spare = new ByteBuffer();
  #droppedBytes = 0;
  #scheduled: ReturnType<typeof setTimeout> | undefined;
  #isWriting = false;
  #written = Promise.resolve();

  constructor(
    to: ProcessOutput,
    { maxBytes = defaultMaxBytes, droppedLine }: BatchedOutputOptions,
  ) {
    this.#to = to;
    this.#maxBytes = maxBytes;
    this.#droppedLine = droppedLine;
    this.#isTerminal = to.isTerminal();
  }

  isTerminal(): boolean {
    return this.#isTerminal;
  }

  write(bytes: Uint8Array | string): void {
    const data = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
    this.#append(this.#isTerminal ? printableBytes(data) : data);
    if (this.#isWriting || this.#scheduled !== undefined) return;
    this.#scheduled = setTimeout(this.#start, batchMs);
  }

  /**
   * Writes the queue, for at most a second. The owner calls it before the process or thread ends.
   */
  async close(): Promise<void> {
    clearTimeout(this.#scheduled);
    if (!this.#isWriting) this.#start();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => void (timer = setTimeout(resolve, closeMs)));
    await Promise.race([this.#written, late]);
    clearTimeout(timer);
  }

  #append(data: Uint8Array): void {
    // One write may exceed the limit, so that a long line is not lost while the reader keeps up.
    const isFull = this.#queue.length > 0 && this.#queue.length + data.length > this.#maxBytes;
    if (isFull || this.#droppedBytes > 0) this.#droppedBytes += data.length;
    else this.#queue.append(data);
  }

  readonly #start = (): void => {
    this.#scheduled = undefined;
    this.#written = this.#writeAll();
  };

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#queue.length > 0 || this.#droppedBytes > 0) {
      const batch = this.#queue;
      this.#queue = this.#spare;
      this.#spare = batch;
      if (this.#droppedBytes > 0) {
        batch.append(new TextEncoder().encode(this.#droppedLine(this.#droppedBytes)));
        this.#droppedBytes = 0;
      }
      await this.#writeBatch(batch.bytes);
      batch.clear();
    }
    this.#isWriting = false;
  }

  /** Writes a batch; a failure drops it, as the guest that wrote it may be gone. */
  async #writeBatch(bytes: Uint8Array): Promise<void> {
    try {
      for (let rest = bytes; rest.length > 0;) {
        const piece = rest.subarray(0, pieceBytes);
        rest = rest.subarray(await this.#to.writeSome(piece, true));
      }
    } catch {
      // The reader is gone or the disk is full: the server continues without its output.
    }
  }
}
