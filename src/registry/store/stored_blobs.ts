import type { BlobFiles } from "./blob_files.ts";
import type { BlobWriter } from "./blob_writer.ts";
import type { CatalogEvent } from "./catalog.ts";
import { algorithmOf, type Digest } from "../../source/digest.ts";
import type { Ledger } from "./ledger.ts";
import { Pins } from "./pins.ts";

/** How many blobs go in one turn: whoever asks meanwhile waits for a few milliseconds. */
const atOnce = 100;

/**
 * Blobs and in which repositories they may be read: their files, and what the ledger says of them. A change is on the disk when its
 * method returns, or has not happened.
 */
export class StoredBlobs {
  readonly #files: BlobFiles;
  readonly #ledger: Ledger;
  readonly #graceMs: number;
  readonly #pins = new Pins();

  /** @param graceMs how long a blob that no manifest names is kept. */
  constructor(files: BlobFiles, ledger: Ledger, graceMs: number) {
    this.#files = files;
    this.#ledger = ledger;
    this.#graceMs = graceMs;
  }

  /** Begins a blob. `sha512`: that its digest may be asked for in that algorithm too. */
  async begin(options: { sha512?: boolean } = {}): Promise<BlobWriter> {
    return await this.#files.begin(options);
  }

  /** A blob of bytes that are in memory already, such as a manifest; `digest` is what they are said to be. */
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

  /** Keeps blobs from being removed until what is returned is disposed of. */
  hold(digests: readonly Digest[]): Disposable {
    return this.#pins.hold(digests);
  }

  /**
   * Brings a blob to its place and returns what the ledger must say of it; until then the caller holds it. Ends the writer.
   *
   * @throws HttpError 507 `DISK_FULL`
   */
  async keep(writer: BlobWriter, digest: Digest): Promise<CatalogEvent> {
    const isModule = writer.moduleFault("") === undefined;
    const { size } = writer;
    await this.#files.keep(writer, digest);
    return { op: "blob", digest, size, isModule };
  }

  /** Stores what was written under its digest and makes it readable in the repository. Ends the writer. */
  async put(repository: string, writer: BlobWriter, digest: Digest): Promise<void> {
    using _held = this.hold([digest]);
    const blob = await this.keep(writer, digest);
    await this.#ledger.record([blob, { op: "link", repository, digest }]);
  }

  /** Makes a blob of another repository (of any, without `from`) readable in this one; `false` when there is none. */
  async mount(repository: string, digest: Digest, from: string | undefined): Promise<boolean> {
    const { catalog } = this.#ledger;
    using _held = this.hold([digest]);
    if (!catalog.blob(digest)) return false;
    if (from !== undefined && !catalog.repository(from)?.blobs.has(digest)) return false;
    catalog.touch(digest);
    await this.#ledger.record([{ op: "link", repository, digest }]);
    return true;
  }

  /** Takes the blob out of the repository; its bytes go when nobody else has it. */
  async unlink(repository: string, digest: Digest): Promise<boolean> {
    if (!this.#ledger.catalog.repository(repository)?.blobs.has(digest)) return false;
    await this.#ledger.record([{ op: "unlink", repository, digest }]);
    return true;
  }

  /** Where its file lies. */
  path(digest: Digest): string {
    return this.#files.path(digest);
  }

  async read(digest: Digest): Promise<Uint8Array<ArrayBuffer>> {
    return await Deno.readFile(this.path(digest));
  }

  /** Every blob that has a file. */
  list(): Generator<Digest> {
    return this.#files.list();
  }

  /** Makes files and ledger speak of the same blobs, after a start: a file that no line names goes. Returns what is missing. */
  async reconcile(): Promise<Digest[]> {
    const present = new Set(this.#files.list());
    const { catalog } = this.#ledger;
    for (const digest of present) if (!catalog.blob(digest)) this.#files.removeNow(digest);
    const lost = catalog.blobs().filter((digest) => !present.has(digest));
    if (lost.length > 0) {
      await this.#ledger.recordGone(lost.map((digest) => ({ op: "drop", digest })));
    }
    return lost;
  }

  /** Removes blobs that no manifest has named for the grace; says how many. */
  async collectGarbage(now = Date.now()): Promise<number> {
    for (let removed = 0;;) {
      const unused = this.#ledger.catalog.unused(now - this.#graceMs)
        .filter((digest) => !this.#pins.has(digest))
        .slice(0, atOnce);
      if (unused.length === 0) return removed;
      // In one turn, so that nobody is told that a blob is there which is about to go.
      const recorded = this.#ledger.recordGone(unused.map((digest) => ({ op: "drop", digest })));
      for (const digest of unused) this.#files.removeNow(digest);
      await recorded;
      removed += unused.length;
    }
  }
}
