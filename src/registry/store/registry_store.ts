import { join } from "node:path";
import { CapsuleError, messageOf } from "../../base/errors.ts";
import { KeyedLock } from "../../base/keyed_lock.ts";
import type { Log } from "../../base/log.ts";
import type { Manifest } from "../../oci/manifest.ts";
import type { ModuleName } from "../../oci/names.ts";
import { HttpError } from "../../server/http_error.ts";
import type { Digest } from "../../source/digest.ts";
import { BlobFiles } from "./blob_files.ts";
import type { BlobWriter } from "./blob_writer.ts";
import type { Catalog, CatalogEvent, ManifestRecord, ModuleFacts } from "./catalog.ts";
import { Ledger } from "./ledger.ts";
import { ModuleFolders } from "./module_folders.ts";
import { moduleInManifest } from "./module_in_manifest.ts";
import { ModuleUpload, type UploadOutcome } from "./module_upload.ts";
import { readManifest, recordOf, referencesOf, requiredBlobs } from "./read_manifest.ts";
import { StoredBlobs } from "./stored_blobs.ts";
import { TagChanges } from "./tag_changes.ts";
import { tidy } from "./tidy.ts";

/** Options of `RegistryStore.open`. */
export interface RegistryStoreOptions {
  /** The folder of `-files`. */
  files: string;
  log: Log;
  /** The grace period of a blob that no manifest references; an hour by default. */
  graceMs?: number;
  /** The largest blob or module; 100 MiB by default. */
  maxBytes?: number;
  /** `false` where the file system has no hard links. */
  links?: boolean;
}

const defaultGraceMs = 60 * 60 * 1000;
const defaultMaxBytes = 100 * 1024 * 1024;

/**
 * The store below both interfaces of the registry: blobs, manifests and the tags that point to
 * them, and the module folders that show them. A change is on the disk when its method resolves,
 * or has not happened.
 */
export class RegistryStore implements AsyncDisposable {
  readonly catalog: Catalog;
  readonly blobs: StoredBlobs;
  /** The largest blob or module, in bytes. */
  readonly maxBytes: number;
  readonly graceMs: number;
  readonly #folders: ModuleFolders;
  readonly #changes: TagChanges;
  readonly #uploads: ModuleUpload;
  /** Serializes the changes of each repository. */
  readonly #locks = new KeyedLock();
  /** The journal and the lock file. */
  #opened = new AsyncDisposableStack();

  private constructor(
    { files, ledger, options }: {
      files: BlobFiles;
      ledger: Ledger;
      options: RegistryStoreOptions;
    },
  ) {
    this.maxBytes = options.maxBytes ?? defaultMaxBytes;
    this.graceMs = options.graceMs ?? defaultGraceMs;
    this.catalog = ledger.catalog;
    this.blobs = new StoredBlobs(files, ledger, this.graceMs);
    this.#folders = new ModuleFolders(options.files, files);
    this.#changes = new TagChanges({ ledger, folders: this.#folders, log: options.log });
    this.#uploads = new ModuleUpload(this.blobs, this.#changes);
  }

  /**
   * Opens a folder: a new one, one of an older version, or one that a killed process left.
   *
   * @throws CapsuleError `STORE` when another process has it open, its journal is damaged, or the
   * system refuses.
   */
  static async open(options: RegistryStoreOptions): Promise<RegistryStore> {
    try {
      return await RegistryStore.#open(options);
    } catch (error) {
      if (!(error instanceof CapsuleError) && !isSystemError(error)) throw error;
      throw new CapsuleError("STORE", `cannot open -files=${options.files}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  static async #open(options: RegistryStoreOptions): Promise<RegistryStore> {
    const own = join(options.files, ".capsule");
    await Deno.mkdir(own, { recursive: true });
    await using opened = new AsyncDisposableStack();
    const lockFile = opened.use(await Deno.open(join(own, "lock"), { write: true, create: true }));
    if (!await lockFile.tryLock(true)) {
      throw new CapsuleError("STORE", "another registry has it open");
    }
    const files = await BlobFiles.open(own, { links: options.links });
    const ledger = opened.adopt(
      await Ledger.open(join(own, "journal.jsonl")),
      (ledger) => ledger.close(),
    );
    const store = new RegistryStore({ files, ledger, options });
    await tidy({
      catalog: store.catalog,
      blobs: store.blobs,
      folders: store.#folders,
      log: options.log,
      putModule: (name, writer, facts) =>
        store.putModule(name, writer, { ...facts, overwrite: false }),
    });
    store.#opened = opened.move();
    return store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }

  /**
   * Stores a manifest and points the tags to it. A module in it appears in its folder.
   *
   * @throws HttpError 400 `MANIFEST_INVALID`, `MANIFEST_BLOB_UNKNOWN` or `DIGEST_INVALID`, 507
   * `DISK_FULL`
   */
  async putManifest(
    repository: string,
    bytes: Uint8Array,
    options: { digest?: Digest; contentType: string | null; tags: readonly string[] },
  ): Promise<ManifestRecord> {
    const manifest = readManifest(bytes, options.contentType);
    using _referenced = this.blobs.hold(referencesOf(manifest));
    return await this.#locks.run(repository, async () => {
      this.#assertBlobs(repository, manifest);
      await using writer = await this.blobs.write(bytes, options.digest);
      const digest = options.digest ?? writer.digest();
      if (!writer.has(digest)) {
        throw new HttpError(
          400,
          "DIGEST_INVALID",
          `the manifest is not ${digest} but ${writer.digest()}`,
        );
      }
      using _own = this.blobs.hold([digest]);
      const module = await this.#moduleOf(repository, manifest);
      const record = recordOf(manifest, { digest, size: bytes.length, module });
      const at = Date.now();
      const events: CatalogEvent[] = [
        await this.blobs.keep(writer, digest),
        { op: "manifest", repository, ...record },
        ...options.tags.map((tag) => ({ op: "tag" as const, repository, tag, digest, at })),
      ];
      await this.#changes.apply(repository, options.tags.map((tag) => ({ tag, module })), events);
      return record;
    });
  }

  /** Removes a manifest and the tags that point to it; `false` without that manifest. */
  async deleteManifest(repository: string, digest: Digest): Promise<boolean> {
    return await this.#locks.run(repository, async () => {
      const known = this.catalog.repository(repository);
      if (!known?.manifests.has(digest)) return false;
      const tags = Array.from(known.tags)
        .filter(([, record]) => record.digest === digest)
        .map(([tag]) => tag);
      await this.#changes.apply(repository, tags.map((tag) => ({ tag })), [
        ...tags.map((tag) => ({ op: "untag" as const, repository, tag })),
        { op: "unmanifest", repository, digest },
      ]);
      return true;
    });
  }

  /** Removes a tag, but not its manifest; `false` without that tag. */
  async deleteTag(repository: string, tag: string): Promise<boolean> {
    return await this.#locks.run(repository, async () => {
      if (!this.catalog.repository(repository)?.tags.has(tag)) return false;
      await this.#changes.apply(repository, [{ tag }], [{ op: "untag", repository, tag }]);
      return true;
    });
  }

  /**
   * Removes a module: its tag, and its manifest unless something else references it. `false`
   * without that module.
   */
  async deleteModule({ user, module, tag }: ModuleName): Promise<boolean> {
    const repository = `${user}/${module}`;
    return await this.#locks.run(repository, async () => {
      const digest = this.catalog.repository(repository)?.tags.get(tag)?.digest;
      if (digest === undefined) return false;
      await this.#changes.apply(repository, [{ tag }], [
        { op: "untag", repository, tag },
        ...this.catalog.unmanifest(repository, { tag, digest }),
      ]);
      return true;
    });
  }

  /**
   * Stores an uploaded module under its name and ends the writer. The same bytes again change
   * nothing; other bytes need `overwrite`.
   *
   * @throws HttpError 409 `TAG_EXISTS`, 507 `DISK_FULL`
   */
  async putModule(
    name: ModuleName,
    writer: BlobWriter,
    options: { info: string; overwrite: boolean; at?: number },
  ): Promise<{ outcome: UploadOutcome; digest: Digest }> {
    await using _ended = writer;
    return await this.#locks.run(
      `${name.user}/${name.module}`,
      () => this.#uploads.put(name, writer, options),
    );
  }

  /** @throws HttpError 400 `MANIFEST_BLOB_UNKNOWN` for a blob that the repository does not have. */
  #assertBlobs(repository: string, manifest: Manifest): void {
    const present = this.catalog.repository(repository)?.blobs;
    const missing = requiredBlobs(manifest).find((digest) => !present?.has(digest));
    if (missing === undefined) return;
    throw new HttpError(
      400,
      "MANIFEST_BLOB_UNKNOWN",
      `the manifest references the blob ${missing}, which is not in ${repository}: push it first`,
    );
  }

  async #moduleOf(repository: string, manifest: Manifest): Promise<ModuleFacts | undefined> {
    return await moduleInManifest(manifest, {
      blob: (digest) => this.catalog.blob(digest),
      path: (digest) => this.blobs.path(digest),
      maxBytes: this.maxBytes,
      begin: () => this.blobs.begin(),
      keep: async (writer) => {
        const digest = writer.digest();
        await this.blobs.put(repository, writer, digest);
        return digest;
      },
    });
  }
}

/** Reports whether an error is a system call's: no such folder, no permission, not a folder. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && /^E[A-Z0-9]+$/.test(String(Reflect.get(error, "code")));
}
