import { join } from "node:path";
import { CapsuleError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { HttpError } from "../server/http_error.ts";
import { artifactOf } from "./artifact.ts";
import { BlobFiles } from "./blob_files.ts";
import type { BlobWriter } from "./blob_writer.ts";
import { Catalog, type Event, type ManifestRecord, type ModuleFacts } from "./catalog.ts";
import { algorithmOf, type Digest } from "./digest.ts";
import { Journal } from "./journal.ts";
import { KeyedLock } from "./keyed_lock.ts";
import { type ManifestFacts, mediaTypes, readManifest } from "./manifest.ts";
import { moduleInManifest } from "./module_in_manifest.ts";
import { ModuleFolders, type Prepared } from "./module_folders.ts";
import { type ModuleName, splitRepository } from "./names.ts";
import { Pins } from "./pins.ts";
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
 * The one store beneath both interfaces. What it knows is in the catalog, every change of it a line in the journal; the bytes are in the blob files, and the
 * modules' folders are links to them. A change is on the disk when its method returns, or has not happened.
 */
export class Store implements AsyncDisposable {
  readonly catalog: Catalog;
  readonly blobs: BlobFiles;
  readonly maxBytes: number;
  readonly graceMs: number;
  readonly #journal: Journal<Event[]>;
  readonly #folders: ModuleFolders;
  readonly #lockFile: Deno.FsFile;
  readonly #locks = new KeyedLock();
  readonly #pins = new Pins();

  private constructor(parts: {
    catalog: Catalog;
    blobs: BlobFiles;
    journal: Journal<Event[]>;
    lockFile: Deno.FsFile;
    options: StoreOptions;
  }) {
    const { options } = parts;
    this.catalog = parts.catalog;
    this.blobs = parts.blobs;
    this.#journal = parts.journal;
    this.#lockFile = parts.lockFile;
    this.#folders = new ModuleFolders(options.files, parts.blobs);
    this.maxBytes = options.maxBytes ?? defaultMaxBytes;
    this.graceMs = options.graceMs ?? defaultGraceMs;
  }

  /**
   * Opens the folder, which may be new, of an older Capsule, or left behind by a killed process: what that had not finished is swept away.
   *
   * @throws CapsuleError `STORE` when another process has it open, or its journal is damaged.
   */
  static async open(options: StoreOptions): Promise<Store> {
    const own = join(options.files, ".capsule");
    await Deno.mkdir(own, { recursive: true });
    const lockFile = await Deno.open(join(own, "lock"), { write: true, create: true });
    if (!await lockFile.tryLock(true)) {
      lockFile.close();
      throw new CapsuleError("STORE", `cannot open -files=${options.files}: another registry has it open`);
    }
    try {
      const blobs = await BlobFiles.open(own, { links: options.links });
      const catalog = new Catalog();
      const journal = await Journal.open<Event[]>(
        join(own, "journal.jsonl"),
        (events) => catalog.apply(events),
        (lines) => lines > 1000 && lines > 2 * catalog.liveEvents ? catalog.snapshot() : undefined,
      );
      const store = new Store({ catalog, blobs, journal, lockFile, options });
      await tidy({
        store,
        folders: store.#folders,
        log: options.log,
        record: (events) => store.#record(events),
      });
      return store;
    } catch (error) {
      lockFile.close();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#journal.close();
    this.#lockFile.close();
  }

  /** Stores what was written under its digest and makes it readable in the repository. Ends the writer. */
  async putBlob(repository: string, writer: BlobWriter, digest: Digest): Promise<void> {
    using _pin = this.#pins.hold([digest]);
    const blob = await this.#keep(writer, digest);
    await this.#record([blob, { op: "link", repository, digest }]);
  }

  /** Makes a blob of another repository (of any, without `from`) readable in this one; `false` when there is none. */
  async mount(repository: string, digest: Digest, from: string | undefined): Promise<boolean> {
    using _pin = this.#pins.hold([digest]);
    if (!this.catalog.blob(digest)) return false;
    if (from !== undefined && !this.catalog.repository(from)?.blobs.has(digest)) return false;
    this.catalog.touch(digest);
    await this.#record([{ op: "link", repository, digest }]);
    return true;
  }

  /** Takes the blob out of the repository; its bytes go when nobody else has it. */
  async unlinkBlob(repository: string, digest: Digest): Promise<boolean> {
    if (!this.catalog.repository(repository)?.blobs.has(digest)) return false;
    await this.#record([{ op: "unlink", repository, digest }]);
    return true;
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
    using _pin = this.#pins.hold(facts.references);
    return await this.#locks.run(repository, async () => {
      const writer = await this.#write(bytes, options.digest);
      const digest = options.digest ?? writer.digest();
      if (!writer.has(digest)) {
        await writer.abort();
        throw new HttpError(400, "DIGEST_INVALID", `the manifest is not ${digest} but ${writer.digest()}`);
      }
      using _own = this.#pins.hold([digest]);
      const module = await this.#moduleOf(repository, facts);
      const record = recordOf(digest, bytes.length, facts, module);
      const events: Event[] = [await this.#keep(writer, digest), { op: "manifest", repository, ...record }];
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
      const tags = Array.from(known.tags).filter(([, record]) => record.digest === digest).map(([tag]) =>
        tag
      );
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
      const known = before && this.catalog.repository(repository)?.manifests.get(before.digest)?.module;
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
      const { config, manifest } = artifactOf(name, { digest, size, info: options.info, at });
      const configWriter = await this.#write(config);
      const manifestWriter = await this.#write(manifest);
      const [configDigest, manifestDigest] = [configWriter.digest(), manifestWriter.digest()];
      using _pin = this.#pins.hold([digest, configDigest, manifestDigest]);
      const facts = readManifest(manifest, mediaTypes.image);
      const module = { digest, size, info: options.info };
      const record = recordOf(manifestDigest, manifest.length, facts, module);
      const events: Event[] = [
        await this.#keep(writer, digest),
        await this.#keep(configWriter, configDigest),
        await this.#keep(manifestWriter, manifestDigest),
        { op: "link", repository, digest },
        { op: "link", repository, digest: configDigest },
        { op: "manifest", repository, ...record },
        { op: "tag", repository, tag, digest: manifestDigest, at },
      ];
      await this.#change(repository, [{ tag, module }], events);
      return { outcome: before ? "replaced" : "created", digest };
    }).finally(() => writer.abort());
  }

  /** The bytes of a manifest. */
  async readManifest(digest: Digest): Promise<Uint8Array<ArrayBuffer>> {
    return await Deno.readFile(this.blobs.path(digest));
  }

  /** Removes blobs that no manifest has named for `graceMs`; says how many. */
  async collectGarbage(now = Date.now()): Promise<number> {
    const unused = this.catalog.unused(now - this.graceMs).filter((digest) => !this.#pins.has(digest));
    if (unused.length === 0) return 0;
    // In one turn, so that nobody is told that a blob is there which is about to go.
    const events = unused.map((digest) => ({ op: "drop" as const, digest }));
    this.catalog.apply(events);
    for (const digest of unused) this.blobs.removeNow(digest);
    await this.#journal.append(events);
    return unused.length;
  }

  /** Writes bytes that are in memory already, such as a manifest. */
  async #write(bytes: Uint8Array, digest?: Digest): Promise<BlobWriter> {
    const writer = await this.blobs.begin({
      sha512: digest !== undefined && algorithmOf(digest) === "sha512",
    });
    try {
      await writer.write(bytes);
      return writer;
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  /** Brings a blob to its place and returns what the journal must say of it. The caller has pinned it. */
  async #keep(writer: BlobWriter, digest: Digest): Promise<Event> {
    const isModule = writer.moduleFault("") === undefined;
    const { size } = writer;
    await this.blobs.keep(writer, digest);
    return { op: "blob", digest, size, isModule };
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
      await this.#record(events);
    } catch (error) {
      for (const each of ready) await each.abort();
      throw error;
    }
    for (const each of ready) await each.commit();
    if (plain) {
      for (const { tag, module } of tags) if (!module) await this.#folders.remove({ ...plain, tag });
    }
  }

  async #record(events: Event[]): Promise<void> {
    await this.#journal.append(events);
    this.catalog.apply(events);
  }

  async #moduleOf(repository: string, facts: ManifestFacts): Promise<ModuleFacts | undefined> {
    return await moduleInManifest(facts, {
      blob: (digest) => this.catalog.blob(digest),
      path: (digest) => this.blobs.path(digest),
      maxBytes: this.maxBytes,
      begin: () => this.blobs.begin(),
      keep: async (writer) => {
        const digest = writer.digest();
        await this.putBlob(repository, writer, digest);
        return digest;
      },
    });
  }
}

function recordOf(
  digest: Digest,
  size: number,
  facts: ManifestFacts,
  module: ModuleFacts | undefined,
): ManifestRecord {
  const { mediaType, references, subject, artifactType, annotations } = facts;
  return { digest, mediaType, size, references, subject, artifactType, annotations, module };
}
