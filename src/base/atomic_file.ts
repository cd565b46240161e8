import { basename, dirname, join } from "node:path";

/** Options of an atomic write. */
export interface AtomicWriteOptions {
  /** The permissions of the file, as those of `Deno.open`. */
  readonly mode?: number;
  /** Fails if the path exists, instead of replacing the file. */
  readonly createNew?: boolean;
  /**
   * The path to which the bytes are written first, in the same folder; a random name by default. A
   * fixed one leaves no second file behind after a crash, and needs a single writer.
   */
  readonly temporaryPath?: string;
}

/** A file under construction: it appears at its path when it is committed, and not before. */
export class AtomicFile implements AsyncDisposable {
  readonly #path: string;
  readonly #temporaryPath: string;
  readonly #createNew: boolean;
  readonly #file: Deno.FsFile;

  private constructor(
    path: string,
    { temporaryPath, createNew, file }: {
      temporaryPath: string;
      createNew: boolean;
      file: Deno.FsFile;
    },
  ) {
    this.#path = path;
    this.#temporaryPath = temporaryPath;
    this.#createNew = createNew;
    this.#file = file;
  }

  /**
   * Creates the temporary file. Its folder must exist.
   *
   * @throws the file system's error.
   */
  static async create(path: string, options: AtomicWriteOptions = {}): Promise<AtomicFile> {
    const { mode, createNew = false } = options;
    const temporaryPath = options.temporaryPath ??
      join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.part`);
    const isFixed = options.temporaryPath !== undefined;
    const file = await Deno.open(temporaryPath, {
      write: true,
      ...isFixed ? { create: true, truncate: true } : { createNew: true },
      mode,
    });
    return new AtomicFile(path, { temporaryPath, createNew, file });
  }

  /** Appends the bytes. @throws the file system's error. */
  async write(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#file, bytes);
  }

  /**
   * Puts the file at its path, durably.
   *
   * @throws `Deno.errors.AlreadyExists` with `createNew` if the path exists; otherwise the file
   * system's error.
   */
  async commit(): Promise<void> {
    await this.#file.sync();
    // A rename would replace an existing file.
    if (this.#createNew) await Deno.link(this.#temporaryPath, this.#path);
    else await Deno.rename(this.#temporaryPath, this.#path);
    await syncFolder(dirname(this.#path));
  }

  /** Closes the file and removes what was not committed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#file.close();
    // After a rename there is nothing at this path.
    await Deno.remove(this.#temporaryPath).catch(() => {});
  }
}

/**
 * Writes a file so that a crash at any moment leaves the old content or the new content, and so
 * that the new content survives a power cut once this resolves.
 *
 * @throws `Deno.errors.AlreadyExists` with `createNew` if the path exists; otherwise the file
 * system's error. The temporary file is removed.
 */
export async function writeFileAtomically(
  path: string,
  content: Uint8Array | string,
  options: AtomicWriteOptions = {},
): Promise<void> {
  await using file = await AtomicFile.create(path, options);
  await file.write(typeof content === "string" ? new TextEncoder().encode(content) : content);
  await file.commit();
}

/** Writes all of the bytes: one `write` may take only a part. */
export async function writeAll(
  to: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await to.write(rest));
}

/** Makes the entries of a folder durable: a file created, renamed or linked there before. */
export async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders and keeps its entries durable by itself.
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path);
  await folder.sync();
}
