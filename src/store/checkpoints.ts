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
  #tookOver = false;
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

  /**
   * Begins with the log that a killed process left, if it is long: whoever opens the file has to read through it first, and a hundred
   * megabytes hold a thread for a tenth of a second.
   *
   * @returns whether that is still under way, and the file better opened later.
   */
  takesOver(): boolean {
    if (!this.#tookOver && logBytes(this.#path) > everyBytes) this.wrote(everyBytes);
    this.#tookOver = true;
    return this.#underWay !== undefined;
  }

  /** Waits for the one that is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#underWay;
  }

  async #work(): Promise<void> {
    const worker = new Worker(new URL("./checkpoint_worker.ts", import.meta.url), {
      type: "module",
    });
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

function logBytes(path: string): number {
  try {
    return Deno.statSync(`${path}-wal`).size;
  } catch {
    // There is none, or none that can be looked at: opening the file says what is wrong.
    return 0;
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
