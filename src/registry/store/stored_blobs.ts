import { algorithmOf, type Digest } from "../../source/digest.ts";
import type { BlobFiles } from "./blob_files.ts";
import type { BlobWriter } from "./blob_writer.ts";
import type { CatalogEvent } from "./catalog.ts";
import type { Ledger } from "./ledger.ts";
import { Pins } from "./pins.ts";

/** Blobs removed per batch of garbage collection, which blocks other requests. */
const batchSize = 100;

/**
 * The blobs of a store and the repositories in which they can be read: files and ledger together.
 * A change is on the disk when its method resolves, or has not happened.
 */
export class StoredBlobs {
  readonly #files: BlobFiles;
  readonly #ledger: Ledger;
  readonly #graceMs: number;
  readonly #pins = new Pins();

  /** @param graceMs how long an unreferenced blob is kept. */
  constructor(files: BlobFiles, ledger: Ledger, graceMs: number) {
    this.#files = files;
    this.#ledger = ledger;
    this.#graceMs = graceMs;
  }

  /**
   * Begins a blob.
   *
   * @param options.sha512 whether it may be kept under a SHA-512 digest.
   * @throws HttpError 507 `DISK_FULL`
   */
  async begin(options: { sha512?: boolean } = {}): Promise<BlobWriter> {
    return await this.#files.begin(options);
  }

  /**
   * Writes a blob that is in memory, such as a manifest.
   *
   * @param digest the digest under which it will be kept.
   * @throws HttpError 507 `DISK_FULL`
   */
  async write(bytes: Uint8Array, digest?: Digest): Promise<BlobWriter> {
    const sha512 = digest !== undefined && algorithmOf(digest) === "sha512";
    const writer = await this.#files.begin({ sha512 });
    try {
      await writer.write(bytes);
      return writer;
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  /** Protects blobs from garbage collection until the result is disposed of. */
  hold(digests: readonly Digest[]): Disposable {
    return this.#pins.hold(digests);
  }

  /**
   * Keeps a blob's file, ends the writer, and returns the event that the caller must record. The
   * caller holds the blob until then.
   *
   * @throws HttpError 507 `DISK_FULL`
   */
  async keep(writer: BlobWriter, digest: Digest): Promise<CatalogEvent> {
    const isModule = writer.moduleFault("") === undefined;
    const { size } = writer;
    await this.#files.keep(writer, digest);
    return { op: "blob", digest, size, isModule };
  }

  /**
   * Stores a blob in a repository and ends the writer.
   *
   * @throws HttpError 507 `DISK_FULL`
   */
  async put(repository: string, writer: BlobWriter, digest: Digest): Promise<void> {
    using _held = this.hold([digest]);
    const blob = await this.keep(writer, digest);
    await this.#ledger.record([blob, { op: "link", repository, digest }]);
  }

  /**
   * Makes a blob of another repository readable in this one; `false` without that blob.
   *
   * @param from the other repository; any by default.
   */
  async mount(repository: string, digest: Digest, from: string | undefined): Promise<boolean> {
    const { catalog } = this.#ledger;
    using _held = this.hold([digest]);
    if (!catalog.blob(digest)) return false;
    if (from !== undefined && !catalog.repository(from)?.blobs.has(digest)) return false;
    catalog.touch(digest);
    await this.#ledger.record([{ op: "link", repository, digest }]);
    return true;
  }

  /**
   * Removes a blob from a repository; `false` if it is not there. Garbage collection removes its
   * file when no repository references it.
   */
  async unlink(repository: string, digest: Digest): Promise<boolean> {
    if (!this.#ledger.catalog.repository(repository)?.blobs.has(digest)) return false;
    await this.#ledger.record([{ op: "unlink", repository, digest }]);
    return true;
  }

  /** Returns the path of a blob's file. */
  path(digest: Digest): string {
    return this.#files.path(digest);
  }

  async read(digest: Digest): Promise<Uint8Array<ArrayBuffer>> {
    return await Deno.readFile(this.path(digest));
  }

  /** Yields every blob that has a file. */
  list(): Generator<Digest> {
    return this.#files.list();
  }

  /**
   * Removes files that the ledger does not have, and from the ledger blobs that have no file.
   * Called after a start.
   *
   * @returns the blobs without a file.
   */
  async reconcile(): Promise<Digest[]> {
    const present = new Set(this.#files.list());
    const { catalog } = this.#ledger;
    for (const digest of present) if (!catalog.blob(digest)) this.#files.removeSync(digest);
    const lost = catalog.blobs().filter((digest) => !present.has(digest));
    if (lost.length > 0) {
      await this.#ledger.recordRemoved(lost.map((digest) => ({ op: "drop", digest })));
    }
    return lost;
  }

  /** Removes the blobs that no manifest has referenced for `graceMs`. Returns their number. */
  async collectGarbage(now = Date.now()): Promise<number> {
    for (let removed = 0;;) {
      const unused = this.#ledger.catalog.unused(now - this.#graceMs)
        .filter((digest) => !this.#pins.has(digest))
        .slice(0, batchSize);
      if (unused.length === 0) return removed;
      // Synchronous up to here: no request may find a blob that is about to be removed.
      const recorded = this.#ledger.recordRemoved(unused.map((digest) => ({ op: "drop", digest })));
      for (const digest of unused) this.#files.removeSync(digest);
      await recorded;
      removed += unused.length;
    }
  }
}
