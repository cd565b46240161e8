import { dirname } from "node:path";
import { CapsuleError } from "../../base/errors.ts";
import { orDiskFull } from "./blob_writer.ts";
import { syncFolder } from "../../base/atomic_file.ts";

/** A line that waits to be written, and whoever waits for it. */
interface Waiting {
  text: string;
  done: PromiseWithResolvers<void>;
}

/**
 * What a store knows beside its files: one line of JSON for each change, in the order in which they happened. A change has happened when its
 * line is whole; of a process killed while it wrote, the unfinished last line is cut off.
 *
 * Changes that come while the disk is busy are written together, so that many uploads at once wait for one synchronisation.
 */
export class Journal<Change> {
  readonly #file: Deno.FsFile;
  #size: number;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;

  private constructor(file: Deno.FsFile, size: number) {
    this.#file = file;
    this.#size = size;
  }

  /**
   * Opens the file, made if it is not there, and hands every change in it to `replay`, which throws for what is none. With `compact`, which is asked afterwards, the file is
   * written anew with those changes only, where there is room for that.
   *
   * @throws CapsuleError `STORE` when a line other than the last is damaged.
   */
  static async open<Change>(
    path: string,
    replay: (change: Change) => void,
    compact: (lines: number) => Iterable<Change> | undefined,
  ): Promise<Journal<Change>> {
    const { size, lines } = await read(path, replay);
    const changes = compact(lines);
    const anew = changes && await Journal.#rewrite(path, changes);
    if (anew) return anew;
    const file = await Deno.open(path, { write: true, create: true, mode: 0o644 });
    await file.truncate(size);
    await file.seek(size, Deno.SeekMode.Start);
    await syncFolder(dirname(path));
    return new Journal(file, size);
  }

  /** `undefined` when it cannot be written, as on a full disk: the old file is as good, only longer. */
  static async #rewrite<Change>(
    path: string,
    changes: Iterable<Change>,
  ): Promise<Journal<Change> | undefined> {
    const text = Array.from(changes, (change) => JSON.stringify(change) + "\n").join("");
    const bytes = new TextEncoder().encode(text);
    let file: Deno.FsFile | undefined;
    try {
      file = await Deno.open(`${path}.new`, {
        write: true,
        create: true,
        truncate: true,
        mode: 0o644,
      });
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
      await file.sync();
      await Deno.rename(`${path}.new`, path);
    } catch {
      file?.close();
      await Deno.remove(`${path}.new`).catch(() => {});
      return undefined;
    }
    // What is appended from now on must not be lost with a name that was not yet on the disk.
    await syncFolder(dirname(path));
    return new Journal(file, bytes.length);
  }

  /**
   * Resolves when the change is on the disk.
   *
   * @throws HttpError 507 `DISK_FULL`: it has not happened.
   */
  append(change: Change): Promise<void> {
    const waiting = { text: JSON.stringify(change) + "\n", done: Promise.withResolvers<void>() };
    this.#waiting.push(waiting);
    this.#writing ??= this.#write();
    return waiting.done.promise;
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#writing;
    this.#file.close();
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      try {
        const bytes = new TextEncoder().encode(batch.map(({ text }) => text).join(""));
        for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await this.#file.write(rest));
        await this.#file.syncData();
        this.#size += bytes.length;
        for (const { done } of batch) done.resolve();
      } catch (error) {
        // A half written line would swallow the next one.
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
  // What stands behind the last line break was being written when the process was killed.
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
