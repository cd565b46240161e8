import { createHash, type Hash } from "node:crypto";
import type { Digest } from "../../source/digest.ts";
import { HttpError } from "../../server/http_error.ts";
import { SectionWalk } from "../../source/section_walk.ts";

/** All that is known of the bytes so far. */
interface Progress {
  size: number;
  sha256: Hash;
  sha512: Hash | undefined;
  walk: SectionWalk;
}

/** A place in a writer to come back to. */
export type WriterMark = Readonly<Progress>;

/**
 * A blob while it comes in: each piece is written and summed up at once, nothing is kept in memory and nothing is read back.
 *
 * Only `BlobFiles` and upload sessions hold one. One write at a time.
 */
export class BlobWriter implements AsyncDisposable {
  readonly path: string;
  readonly #file: Deno.FsFile;
  #now: Progress;
  #open = true;

  private constructor(path: string, file: Deno.FsFile, sha512: boolean) {
    this.path = path;
    this.#file = file;
    this.#now = {
      size: 0,
      sha256: createHash("sha256"),
      sha512: sha512 ? createHash("sha512") : undefined,
      walk: new SectionWalk(),
    };
  }

  static async create(path: string, { sha512 }: { sha512: boolean }): Promise<BlobWriter> {
    const file = await Deno.open(path, { write: true, createNew: true, mode: 0o644 }).catch(
      orDiskFull,
    );
    return new BlobWriter(path, file, sha512);
  }

  get size(): number {
    return this.#now.size;
  }

  /**
   * Takes a piece. When it cannot be written, the writer is where it was before the piece.
   *
   * @throws HttpError 507 `DISK_FULL`
   */
  async write(bytes: Uint8Array): Promise<void> {
    const { size } = this.#now;
    try {
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await this.#file.write(rest));
    } catch (error) {
      await this.#cut(size);
      orDiskFull(error);
    }
    this.#now.size += bytes.length;
    this.#now.sha256.update(bytes);
    this.#now.sha512?.update(bytes);
    this.#now.walk.push(bytes);
  }

  mark(): WriterMark {
    return copyOf(this.#now);
  }

  async rollback(mark: WriterMark): Promise<void> {
    await this.#cut(mark.size);
    this.#now = copyOf(mark);
  }

  /** The digest of what has come so far, in the algorithms that were asked for. */
  has(digest: Digest): boolean {
    const { sha512 } = this.#now;
    return digest === this.digest() ||
      (sha512 !== undefined && digest === `sha512:${sha512.copy().digest("hex")}`);
  }

  digest(): Digest {
    return `sha256:${this.#now.sha256.copy().digest("hex")}`;
  }

  /** Why what has come so far is not a WebAssembly module; `undefined` when it is one. */
  moduleFault(what: string): Error | undefined {
    return this.#now.walk.fault(what);
  }

  /** Everything is on the disk and the file is closed: read-only, since its name will say what is in it. */
  async finish(): Promise<void> {
    if (!this.#open) return;
    await this.#file.sync();
    this.#close();
    if (Deno.build.os !== "windows") await Deno.chmod(this.path, 0o444);
  }

  /** Gives up, or cleans up behind `BlobFiles.keep`. May be called twice. */
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
    if (this.#open) this.#file.close();
    this.#open = false;
  }

  async #cut(size: number): Promise<void> {
    await this.#file.truncate(size);
    await this.#file.seek(size, Deno.SeekMode.Start);
  }
}

function copyOf({ size, sha256, sha512, walk }: Progress): Progress {
  return { size, sha256: sha256.copy(), sha512: sha512?.copy(), walk: walk.copy() };
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
