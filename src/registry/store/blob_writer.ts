import { createHash, type Hash } from "node:crypto";
import { writeAll } from "../../base/atomic_file.ts";
import { HttpError } from "../../server/http_error.ts";
import type { Digest } from "../../source/digest.ts";
import { SectionWalk } from "../../source/section_walk.ts";

/** The state of a writer, to return to with `rollback`. */
export type WriterMark = Readonly<WriterState>;

/** The size, the hashes and the section walk of the bytes so far. */
interface WriterState {
  size: number;
  sha256: Hash;
  sha512: Hash | undefined;
  walk: SectionWalk;
}

/**
 * A blob under construction: each piece is written, hashed and checked as it arrives, so that
 * nothing is kept in memory or read back. `BlobFiles.keep` or `abort` ends it. One write at a time.
 */
export class BlobWriter implements AsyncDisposable {
  readonly path: string;
  readonly #file: Deno.FsFile;
  #state: WriterState;
  #isOpen = true;

  private constructor(path: string, file: Deno.FsFile, sha512: boolean) {
    this.path = path;
    this.#file = file;
    this.#state = {
      size: 0,
      sha256: createHash("sha256"),
      sha512: sha512 ? createHash("sha512") : undefined,
      walk: new SectionWalk(),
    };
  }

  /**
   * Creates the file of a blob.
   *
   * @param options.sha512 whether `has` may be asked for a SHA-512 digest.
   * @throws HttpError 507 `DISK_FULL`
   */
  static async create(path: string, { sha512 }: { sha512: boolean }): Promise<BlobWriter> {
    const options = { write: true, createNew: true, mode: 0o644 };
    const file = await Deno.open(path, options).catch(orDiskFull);
    return new BlobWriter(path, file, sha512);
  }

  /** The number of bytes written. */
  get size(): number {
    return this.#state.size;
  }

  /**
   * Appends a piece. After an error the writer is as it was before.
   *
   * @throws HttpError 507 `DISK_FULL`
   */
  async write(bytes: Uint8Array): Promise<void> {
    const { size, sha256, sha512, walk } = this.#state;
    try {
      await writeAll(this.#file, bytes);
    } catch (error) {
      await this.#truncate(size);
      orDiskFull(error);
    }
    this.#state.size += bytes.length;
    sha256.update(bytes);
    sha512?.update(bytes);
    walk.push(bytes);
  }

  /** Returns the present state. */
  mark(): WriterMark {
    return copyOf(this.#state);
  }

  /** Returns to a state: drops what was written since. */
  async rollback(mark: WriterMark): Promise<void> {
    await this.#truncate(mark.size);
    this.#state = copyOf(mark);
  }

  /** Reports whether the bytes have a digest; SHA-512 only if the writer was created for it. */
  has(digest: Digest): boolean {
    const { sha512 } = this.#state;
    return digest === this.digest() ||
      (sha512 !== undefined && digest === `sha512:${sha512.copy().digest("hex")}`);
  }

  /** Returns the SHA-256 digest of the bytes so far. */
  digest(): Digest {
    return `sha256:${this.#state.sha256.copy().digest("hex")}`;
  }

  /** Returns why the bytes so far are not a WebAssembly module; `undefined` if they are one. */
  moduleFault(name: string): Error | undefined {
    return this.#state.walk.fault(name);
  }

  /** Syncs and closes the file, read-only: other names of it will state its digest. */
  async finish(): Promise<void> {
    if (!this.#isOpen) return;
    await this.#file.sync();
    this.#close();
    if (Deno.build.os !== "windows") await Deno.chmod(this.path, 0o444);
  }

  /** Closes and removes the file. Does nothing the second time. */
  async abort(): Promise<void> {
    this.#close();
    await Deno.remove(this.path).catch((error: unknown) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort();
  }

  #close(): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }

  async #truncate(size: number): Promise<void> {
    await this.#file.truncate(size);
    await this.#file.seek(size, Deno.SeekMode.Start);
  }
}

/** The disk is full, or the user's quota is used up. */
const diskFullCodes = new Set(["ENOSPC", "EDQUOT"]);
/** `EFBIG`, over the largest file that the process may write: Deno sets no code for it. */
const fileTooLarge = /\(os error 27\)$/;

/**
 * Rethrows an error of the file system.
 *
 * @throws HttpError 507 `DISK_FULL` if the disk is full; otherwise the error itself.
 */
export function orDiskFull(error: unknown): never {
  if (
    error instanceof Error &&
    (diskFullCodes.has(String(Reflect.get(error, "code"))) || fileTooLarge.test(error.message))
  ) {
    throw new HttpError(507, "DISK_FULL", "the registry's disk is full: nothing was changed", {
      cause: error,
    });
  }
  throw error;
}

function copyOf({ size, sha256, sha512, walk }: WriterState): WriterState {
  return { size, sha256: sha256.copy(), sha512: sha512?.copy(), walk: walk.copy() };
}
