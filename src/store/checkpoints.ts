import type { CheckpointRequest, CheckpointResult } from "./checkpoint_worker.ts";

/** The number of bytes that a thread writes between checkpoints. */
const intervalBytes = 4 * 1024 * 1024;
/** The overhead of a write in the log: two or three pages of 4 KiB, whatever its length. */
const bytesPerWrite = 12 * 1024;

/**
 * Schedules checkpoints of the write-ahead log. A checkpoint waits for the disk, so it runs in a
 * worker thread, which exists only while there is something to move.
 */
export class Checkpoints {
  readonly #path: string;
  #pendingBytes = 0;
  #running: Promise<void> | undefined;
  #checkedLeftover = false;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Records a write of `bytes` bytes and starts a checkpoint if one is due. */
  recordWrite(bytes: number): void {
    this.#pendingBytes += bytes + bytesPerWrite;
    if (this.#pendingBytes < intervalBytes || this.#running || this.#closed) return;
    this.#running = this.#run().finally(() => this.#running = undefined);
  }

  /**
   * Starts a checkpoint if a killed process left a long log: opening the file would block this
   * thread while SQLite reads the log.
   *
   * @returns whether a checkpoint is running, so that the file should be opened later.
   */
  checkpointLeftover(): boolean {
    if (!this.#checkedLeftover && logBytes(this.#path) > intervalBytes) {
      this.recordWrite(intervalBytes);
    }
    this.#checkedLeftover = true;
    return this.#running !== undefined;
  }

  /** Waits for the running checkpoint. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const worker = new Worker(new URL("./checkpoint_worker.ts", import.meta.url), {
      type: "module",
    });
    try {
      while (this.#pendingBytes >= intervalBytes && !this.#closed) {
        this.#pendingBytes = 0;
        await checkpoint(worker, { path: this.#path });
      }
    } finally {
      worker.terminate();
    }
  }
}

function logBytes(path: string): number {
  try {
    return Deno.statSync(`${path}-wal`).size;
  } catch {
    // Missing or unreadable; opening the file reports the reason.
    return 0;
  }
}

/** Runs one checkpoint. A failure is ignored: the log stays longer until the next one. */
function checkpoint(worker: Worker, request: CheckpointRequest): Promise<void> {
  return new Promise((resolve) => {
    worker.onmessage = (_: MessageEvent<CheckpointResult>) => resolve();
    worker.onerror = (event) => {
      event.preventDefault();
      resolve();
    };
    worker.postMessage(request);
  });
}
