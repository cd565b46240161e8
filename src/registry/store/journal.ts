import { dirname } from "node:path";
import { syncFolder, writeAll, writeFileAtomically } from "../../base/atomic_file.ts";
import { CapsuleError } from "../../base/errors.ts";
import { orDiskFull } from "./blob_writer.ts";

/** A line that is to be written. */
interface PendingLine {
  text: string;
  done: PromiseWithResolvers<void>;
}

/**
 * An append-only file with one line of JSON for each change. A change is committed when its line is
 * complete; the incomplete last line of a killed process is discarded.
 *
 * Changes that arrive during a write are written together (group commit), so that uploads at the
 * same time share one fsync.
 */
export class Journal<Change> {
  readonly #file: Deno.FsFile;
  #size: number;
  #pending: PendingLine[] = [];
  #writing: Promise<void> | undefined;

  private constructor(file: Deno.FsFile, size: number) {
    this.#file = file;
    this.#size = size;
  }

  /**
   * Opens or creates a journal and replays it.
   *
   * @param replay called with each change; throws for an unknown one.
   * @param compact called with the number of lines after that; returns the changes with which to
   * replace all lines, or `undefined` to keep them.
   * @throws CapsuleError `STORE` if a line other than the last is damaged.
   */
  static async open<Change>(
    path: string,
    replay: (change: Change) => void,
    compact: (lines: number) => Iterable<Change> | undefined,
  ): Promise<Journal<Change>> {
    const { size, lines } = await read(path, replay);
    // Before compaction, which may fail and leave this file.
    await cut(path, size);
    const changes = compact(lines);
    if (changes) await rewrite(path, changes);
    const file = await Deno.open(path, { write: true });
    return new Journal(file, await file.seek(0, Deno.SeekMode.End));
  }

  /**
   * Resolves when the change is on the disk.
   *
   * @throws HttpError 507 `DISK_FULL`: it is not committed.
   */
  append(change: Change): Promise<void> {
    const line = { text: JSON.stringify(change) + "\n", done: Promise.withResolvers<void>() };
    this.#pending.push(line);
    this.#writing ??= this.#write();
    return line.done.promise;
  }

  /** Finishes the pending writes and closes the file. */
  async close(): Promise<void> {
    await this.#writing;
    this.#file.close();
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0);
      try {
        const bytes = new TextEncoder().encode(batch.map(({ text }) => text).join(""));
        await writeAll(this.#file, bytes);
        await this.#file.syncData();
        this.#size += bytes.length;
        for (const { done } of batch) done.resolve();
      } catch (error) {
        // The next line must not be appended to a part of this one.
        await this.#file.truncate(this.#size);
        await this.#file.seek(this.#size, Deno.SeekMode.Start);
        for (const { done } of batch) {
          try {
            orDiskFull(error);
          } catch (refusal) {
            done.reject(refusal);
          }
        }
      }
    }
    this.#writing = undefined;
  }
}

async function read<Change>(
  path: string,
  replay: (change: Change) => void,
): Promise<{ size: number; lines: number }> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { size: 0, lines: 0 };
    throw error;
  }
  // Bytes after the last line break are the incomplete line of a killed process.
  const size = bytes.lastIndexOf(10) + 1;
  const texts = new TextDecoder().decode(bytes.subarray(0, size)).split("\n").slice(0, -1);
  texts.forEach((text, index) => {
    try {
      replay(JSON.parse(text));
    } catch (error) {
      throw new CapsuleError(
        "STORE",
        `line ${index + 1} of ${path} is damaged, or a newer Capsule wrote it`,
        { cause: error },
      );
    }
  });
  return { size, lines: texts.length };
}

/** Creates the file if it is missing, and truncates it to `size` bytes. */
async function cut(path: string, size: number): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true, mode: 0o644 });
  await file.truncate(size);
  await syncFolder(dirname(path));
}

/** Replaces the lines. Without room for that, the old lines stay, which have the same meaning. */
async function rewrite<Change>(path: string, changes: Iterable<Change>): Promise<void> {
  const text = Array.from(changes, (change) => JSON.stringify(change) + "\n").join("");
  const temporaryPath = `${path}.new`;
  await writeFileAtomically(path, text, { mode: 0o644, temporaryPath }).catch(() => {});
}
