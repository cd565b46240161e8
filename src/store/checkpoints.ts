import type { CheckpointAnswer, CheckpointRequest } from "./checkpoint_worker.ts";

/** How much a thread writes until it asks for a checkpoint. */
const everyBytes = 4 * 1024 * 1024;
/** A small write puts two or three pages of 4 KiB into the log, whatever its length. */
const bytesPerWrite = 12 * 1024;

/**
 * Moves what was written from the log into the file, now and then. That waits for the disk, so a thread beside this one does it: a
 * Worker that lives only as long as there is something to move.
 */
export class Checkpoints {
  readonly #path: string;
  #pendingBytes = 0;
  #underWay: Promise<void> | undefined;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Tells of a write. */
  wrote(bytes: number): void {
    this.#pendingBytes += bytes + bytesPerWrite;
    if (this.#pendingBytes < everyBytes || this.#underWay || this.#closed) return;
    this.#underWay = this.#work().finally(() => this.#underWay = undefined);
  }

  /** Waits for the one that is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#underWay;
  }

  async #work(): Promise<void> {
    const worker = new Worker(new URL("./checkpoint_worker.ts", import.meta.url), { type: "module" });
    try {
      while (this.#pendingBytes >= everyBytes && !this.#closed) {
        this.#pendingBytes = 0;
        await ask(worker, { path: this.#path });
      }
    } finally {
      worker.terminate();
    }
  }
}

/** A checkpoint that fails is no failure of anybody's call: the log is only longer, and the next one takes it. */
function ask(worker: Worker, request: CheckpointRequest): Promise<void> {
  return new Promise((resolve) => {
    worker.onmessage = (_: MessageEvent<CheckpointAnswer>) => resolve();
    worker.onerror = (event) => {
      event.preventDefault();
      resolve();
    };
    worker.postMessage(request);
  });
}
