import { join } from "node:path";
import { CapsuleError, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { HttpError } from "../../server/http_error.ts";
import { artifactOf } from "../../oci/artifact.ts";
import { BlobFiles } from "./blob_files.ts";
import type { BlobWriter } from "./blob_writer.ts";
import type { Catalog, Event, ManifestRecord, ModuleFacts } from "./catalog.ts";
import type { Digest } from "../../source/digest.ts";
import { KeyedLock } from "../../base/keyed_lock.ts";
import { Ledger } from "./ledger.ts";
import { type Manifest, mediaTypes } from "../../oci/manifest.ts";
import { readManifest, referencesOf } from "./read_manifest.ts";
import { ModuleFolders, type Prepared } from "./module_folders.ts";
import { moduleInManifest } from "./module_in_manifest.ts";
import { splitRepository } from "./module_name.ts";
import type { ModuleName } from "../../oci/names.ts";
import { StoredBlobs } from "./stored_blobs.ts";
import { tidy } from "./tidy.ts";

/** How a store is opened. */
export interface StoreOptions {
  /** The folder of `-files`. */
  files: string;
  log: Log;
  /** How long a blob that no manifest names is kept. */
  graceMs?: number;
  /** The largest blob or module. */
  maxBytes?: number;
  /** `false` where the file system has no hard links. */
  links?: boolean;
}

const defaultGraceMs = 60 * 60 * 1000;
const defaultMaxBytes = 100 * 1024 * 1024;

/** What became of an upload. */
export type Uploaded = { outcome: "created" | "replaced" | "same"; digest: Digest };

/**
 * The one store beneath both interfaces: manifests and the tags that point to them, on the blobs. A module's folder is a link to its
 * blob. A change is on the disk when its method returns, or has not happened.
 */
export class Store implements AsyncDisposable {
  readonly catalog: Catalog;
  readonly blobs: StoredBlobs;
  readonly maxBytes: number;
  readonly graceMs: number;
  readonly #ledger: Ledger;
  readonly #folders: ModuleFolders;
  /** The journal and the lock. */
  #opened = new AsyncDisposableStack();
  readonly #log: Log;
  readonly #locks = new KeyedLock();

  private constructor(
    { files, ledger, options }: { files: BlobFiles; ledger: Ledger; options: StoreOptions },
  ) {
    this.maxBytes = options.maxBytes ?? defaultMaxBytes;
    this.graceMs = options.graceMs ?? defaultGraceMs;
    this.catalog = ledger.catalog;
    this.blobs = new StoredBlobs(files, ledger, this.graceMs);
    this.#ledger = ledger;
    this.#folders = new ModuleFolders(options.files, files);
    this.#log = options.log;
  }

  /**
   * Opens the folder, which may be new, of an older Capsule, or left behind by a killed process: what that had not finished is swept away.
   *
   * @throws CapsuleError `STORE` when another process has it open, its journal is damaged, or the system refuses.
   */
  static async open(options: StoreOptions): Promise<Store> {
    try {
      return await Store.#open(options);
    } catch (error) {
      if (!(error instanceof CapsuleError) && !isOfTheSystem(error)) throw error;
      throw new CapsuleError("STORE", `cannot open -files=${options.files}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  static async #open(options: StoreOptions): Promise<Store> {
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
    const store = new Store({ files, ledger, options });
    await tidy({ store, folders: store.#folders, log: options.log });
    store.#opened = opened.move();
    return store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }

  /**
   * Stores a manifest and has the tags point to it, which may have pointed elsewhere before. A manifest of a module shows it in its folder too.
   *
   * @throws HttpError 400 `MANIFEST_INVALID`, 507 `DISK_FULL`
   */
  async putManifest(
    repository: string,
    bytes: Uint8Array,
    options: { digest?: Digest; contentType: string | null; tags: readonly string[] },
  ): Promise<ManifestRecord> {
    const facts = readManifest(bytes, options.contentType);
    using _named = this.blobs.hold(referencesOf(facts));
    return await this.#locks.run(repository, async () => {
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
      const module = await this.#moduleOf(repository, facts);
      const record = recordOf(digest, bytes.length, facts, module);
      const events: Event[] = [await this.blobs.keep(writer, digest), {
        op: "manifest",
        repository,
        ...record,
      }];
      const at = Date.now();
      for (const tag of options.tags) events.push({ op: "tag", repository, tag, digest, at });
      await this.#change(repository, options.tags.map((tag) => ({ tag, module })), events);
      return record;
    });
  }

  /** Takes a manifest away, with the tags that point to it. */
  async deleteManifest(repository: string, digest: Digest): Promise<boolean> {
    return await this.#locks.run(repository, async () => {
      const known = this.catalog.repository(repository);
      if (!known?.manifests.has(digest)) return false;
      const tags = Array.from(known.tags).filter(([, record]) => record.digest === digest).map((
        [tag],
      ) => tag);
      await this.#change(repository, tags.map((tag) => ({ tag })), [
        ...tags.map((tag) => ({ op: "untag" as const, repository, tag })),
        { op: "unmanifest", repository, digest },
      ]);
      return true;
    });
  }

  async deleteTag(repository: string, tag: string): Promise<boolean> {
    return await this.#locks.run(repository, async () => {
      if (!this.catalog.repository(repository)?.tags.has(tag)) return false;
      await this.#change(repository, [{ tag }], [{ op: "untag", repository, tag }]);
      return true;
    });
  }

  /** Takes a module away: its tag, and its manifest where nothing else names that. */
  async deleteModule({ user, module, tag }: ModuleName): Promise<boolean> {
    const repository = `${user}/${module}`;
    return await this.#locks.run(repository, async () => {
      const digest = this.catalog.repository(repository)?.tags.get(tag)?.digest;
      if (digest === undefined) return false;
      await this.#change(repository, [{ tag }], [
        { op: "untag", repository, tag },
        ...this.#forget(repository, { tag, digest }),
      ]);
      return true;
    });
  }

  /**
   * Stores an uploaded module under its name. A tag stays what it is: other bytes for it are refused without `overwrite`, the same bytes
   * change nothing. Ends the writer.
   *
   * @throws HttpError 409 `TAG_EXISTS`, 507 `DISK_FULL`
   */
  async putModule(
    name: ModuleName,
    writer: BlobWriter,
    options: { info: string; overwrite: boolean; at?: number },
  ): Promise<Uploaded> {
    const repository = `${name.user}/${name.module}`;
    const at = options.at ?? Date.now();
    const digest = writer.digest();
    const size = writer.size;
    return await this.#locks.run(repository, async (): Promise<Uploaded> => {
      const { tag } = name;
      const before = this.catalog.repository(repository)?.tags.get(tag);
      const known = before &&
        this.catalog.repository(repository)?.manifests.get(before.digest)?.module;
      if (known?.digest === digest) return { outcome: "same", digest };
      if (before && !options.overwrite) {
        throw new HttpError(
          409,
          "TAG_EXISTS",
          `${repository}/${tag} holds other bytes (${
            known?.digest ?? before.digest
          }): choose another tag, or start the registry with -overwrite`,
        );
      }
      const { config, manifest } = artifactOf({
        module: name.module,
        digest,
        size,
        info: options.info,
        at,
      });
      await using configWriter = await this.blobs.write(config);
      await using manifestWriter = await this.blobs.write(manifest);
      const [configDigest, manifestDigest] = [configWriter.digest(), manifestWriter.digest()];
      using _held = this.blobs.hold([digest, configDigest, manifestDigest]);
      const facts = readManifest(manifest, mediaTypes.image);
      const module = { digest, size, info: options.info };
      const record = recordOf(manifestDigest, manifest.length, facts, module);
      const events: Event[] = [
        await this.blobs.keep(writer, digest),
        await this.blobs.keep(configWriter, configDigest),
        await this.blobs.keep(manifestWriter, manifestDigest),
        { op: "link", repository, digest },
        { op: "link", repository, digest: configDigest },
        { op: "manifest", repository, ...record },
        { op: "tag", repository, tag, digest: manifestDigest, at },
        ...(before ? this.#forget(repository, { tag, digest: before.digest }) : []),
      ];
      await this.#change(repository, [{ tag, module }], events);
      return { outcome: before ? "replaced" : "created", digest };
    }).finally(() => writer.abort());
  }

  /** What makes a manifest go with a tag: nothing, where another tag or an index names it too. */
  #forget(repository: string, { tag, digest }: { tag: string; digest: Digest }): Event[] {
    const { tags, manifests } = this.catalog.repository(repository) ??
      { tags: new Map(), manifests: new Map() };
    const isNamed =
      Array.from(tags).some(([name, record]) => name !== tag && record.digest === digest) ||
      Array.from(manifests.values()).some(({ references }) => references.includes(digest));
    return isNamed ? [] : [{ op: "unmanifest", repository, digest }];
  }

  /** Records events after which tags hold other modules, and sees to the modules' folders; the caller has the repository's lock. */
  async #change(
    repository: string,
    tags: readonly { tag: string; module?: ModuleFacts }[],
    events: Event[],
  ): Promise<void> {
    const plain = splitRepository(repository);
    const ready: Prepared[] = [];
    try {
      if (plain) {
        for (const { tag, module } of tags) {
          if (module) ready.push(await this.#folders.prepare({ ...plain, tag }, module));
        }
      }
      await this.#ledger.record(events);
    } catch (error) {
      for (const each of ready) await each.abort();
      throw error;
    }
    try {
      for (const each of ready) await each.commit();
      if (plain) {
        for (const { tag, module } of tags) {
          if (!module) await this.#folders.remove({ ...plain, tag });
        }
      }
    } catch (error) {
      // It has happened all the same: the folder only shows it.
      this.#log.error(
        `a folder of ${repository} is put right at the next start: ${messageOf(error)}`,
      );
    }
  }

  async #moduleOf(repository: string, facts: Manifest): Promise<ModuleFacts | undefined> {
    return await moduleInManifest(facts, {
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

/** What a system call says: no such folder, no permission, a file in the place of a folder. */
function isOfTheSystem(error: unknown): boolean {
  return error instanceof Error && /^E[A-Z0-9]+$/.test(String(Reflect.get(error, "code")));
}

function recordOf(
  digest: Digest,
  size: number,
  facts: Manifest,
  module: ModuleFacts | undefined,
): ManifestRecord {
  const { mediaType, subject, artifactType, annotations } = facts;
  const references = referencesOf(facts);
  return { digest, mediaType, size, references, subject, artifactType, annotations, module };
}
