/**
 * A worker thread that checkpoints the embedded store: it moves the write-ahead log into the
 * database file and waits for the disk. A `CheckpointRequest` yields a `CheckpointResult`.
 */
import { DatabaseSync } from "node:sqlite";

/** A request to checkpoint a database file. */
export interface CheckpointRequest {
  readonly path: string;
}

/** The result of a checkpoint. */
export interface CheckpointResult {
  /** The reason of a failure. A concurrent checkpoint is not a failure. */
  readonly error?: string;
}

/**
 * From this log size on, writers are blocked until the log is truncated; under constant load it
 * would otherwise grow without limit.
 */
const longLogBytes = 64 * 1024 * 1024;

const self = globalThis as unknown as {
  onmessage: (event: MessageEvent<CheckpointRequest>) => void;
  postMessage(result: CheckpointResult): void;
};

self.onmessage = ({ data: { path } }) => {
  try {
    // This thread may block on locks; the others use a timeout of 0.
    const database = new DatabaseSync(path, { timeout: 2000 });
    try {
      const long = Deno.statSync(`${path}-wal`).size > longLogBytes;
      database.prepare(`PRAGMA wal_checkpoint(${long ? "TRUNCATE" : "PASSIVE"})`).all();
    } finally {
      database.close();
    }
    self.postMessage({});
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};
