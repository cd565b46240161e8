/**
 * A thread of its own for one job: moving the log of the embedded store into its file, which waits for the disk. Asked with
 * a `CheckpointRequest`, it answers with a `CheckpointAnswer`.
 */
import { DatabaseSync } from "node:sqlite";

/** Which file. */
export interface CheckpointRequest {
  readonly path: string;
}

/** What became of it. */
export interface CheckpointAnswer {
  /** Why it failed; somebody else being at it is no failure. */
  readonly error?: string;
}

/** From this length on, writers are made to wait for the end of the log: without a pause it would never begin anew. */
const longLogBytes = 64 * 1024 * 1024;

const self = globalThis as unknown as {
  onmessage: (event: MessageEvent<CheckpointRequest>) => void;
  postMessage(answer: CheckpointAnswer): void;
};

self.onmessage = ({ data: { path } }) => {
  try {
    // Waiting is what this thread is for.
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
