import type { Digest } from "../../source/digest.ts";
import type { ModuleName } from "../../oci/names.ts";
import { splitRepository } from "./module_name.ts";

/** The module in a manifest. */
export interface ModuleFacts {
  digest: Digest;
  size: number;
  /** Its description: the `.info` file without the last line break. */
  info: string;
}

/** A manifest in a repository. */
export interface ManifestRecord {
  digest: Digest;
  mediaType: string;
  size: number;
  references: readonly Digest[];
  subject?: Digest;
  artifactType?: string;
  /** For the list of its subject's referrers; `undefined` without a subject. */
  annotations?: Record<string, string>;
  module?: ModuleFacts;
}

/** A tag. */
export interface TagRecord {
  /** The manifest that it points to. */
  digest: Digest;
  /** When it was set, in milliseconds since 1970. */
  at: number;
}

/** A blob. */
export interface BlobFacts {
  size: number;
  /** True for a complete WebAssembly module. */
  isModule: boolean;
}

/** A change. Changes that are atomic together are one line of the journal. */
export type CatalogEvent =
  | { op: "blob"; digest: Digest } & BlobFacts
  | { op: "drop"; digest: Digest }
  | { op: "link"; repository: string; digest: Digest }
  | { op: "unlink"; repository: string; digest: Digest }
  | { op: "manifest"; repository: string } & ManifestRecord
  | { op: "unmanifest"; repository: string; digest: Digest }
  | { op: "tag"; repository: string; tag: string } & TagRecord
  | { op: "untag"; repository: string; tag: string };

/** A repository: its tags, manifests and blobs. */
export interface Repository {
  readonly name: string;
  readonly tags: ReadonlyMap<string, TagRecord>;
  readonly manifests: ReadonlyMap<Digest, ManifestRecord>;
  /** The blobs that can be read in it. */
  readonly blobs: ReadonlySet<Digest>;
}

interface MutableRepository extends Repository {
  tags: Map<string, TagRecord>;
  manifests: Map<Digest, ManifestRecord>;
  blobs: Set<Digest>;
}

/** A tag that holds a module, in a list. */
export interface ListedModule extends ModuleName, ModuleFacts {
  repository: string;
  /** Milliseconds since 1970. */
  at: number;
  /** True if the module interface can address it: its repository is a user and a module. */
  plain: boolean;
}

/** The state of a registry in memory: the result of its events. It does no I/O. */
export class Catalog {
  readonly #repositories = new Map<string, MutableRepository>();
  readonly #blobs = new Map<Digest, BlobFacts & { seenAt: number }>();
  #listed: ListedModule[] | undefined;
  #events = 0;

  /** The number of events that would make the present state; the journal may have more. */
  get liveEvents(): number {
    return this.#events;
  }

  apply(events: readonly CatalogEvent[]): void {
    this.#listed = undefined;
    const dropped = new Set<Digest>();
    for (const event of events) {
      if (event.op === "drop") dropped.add(event.digest);
      else this.#apply(event);
    }
    if (dropped.size > 0) this.#drop(dropped);
  }

  repository(name: string): Repository | undefined {
    return this.#repositories.get(name);
  }

  /** Returns the names of the repositories that are not empty, sorted. */
  repositories(): string[] {
    return Array.from(this.#repositories.keys()).sort();
  }

  blob(digest: Digest): BlobFacts | undefined {
    return this.#blobs.get(digest);
  }

  /** Returns the digests of all blobs. */
  blobs(): Digest[] {
    return Array.from(this.#blobs.keys());
  }

  /** Restarts the grace period of a blob that a client has found and will not upload again. */
  touch(digest: Digest): void {
    const blob = this.#blobs.get(digest);
    if (blob) blob.seenAt = Date.now();
  }

  /**
   * Returns the manifest of a tag. `latest`, unless it was pushed, is the tag of the newest module.
   */
  tagged(
    repository: string,
    tag: string,
  ): { tag: string; at: number; manifest: ManifestRecord } | undefined {
    const known = this.#repositories.get(repository);
    const name = known && !known.tags.has(tag) && tag === "latest" ? newest(known) : tag;
    const record = name === undefined ? undefined : known?.tags.get(name);
    const manifest = record && known?.manifests.get(record.digest);
    return name !== undefined && record && manifest
      ? { tag: name, at: record.at, manifest }
      : undefined;
  }

  /** Returns the tags that hold a module, sorted by repository and then by tag. */
  modules(): readonly ListedModule[] {
    if (this.#listed) return this.#listed;
    const listed: ListedModule[] = [];
    for (const repository of this.repositories()) {
      const known = this.#repositories.get(repository);
      const plain = splitRepository(repository);
      const slash = repository.lastIndexOf("/");
      const user = plain?.user ?? repository.slice(0, Math.max(slash, 0));
      const module = plain?.module ?? repository.slice(slash + 1);
      for (const tag of Array.from(known?.tags.keys() ?? []).sort()) {
        const record = known?.tags.get(tag);
        const facts = record && known?.manifests.get(record.digest)?.module;
        if (facts) {
          listed.push({
            repository,
            user,
            module,
            tag,
            at: record.at,
            plain: plain !== undefined,
            ...facts,
          });
        }
      }
    }
    return this.#listed = listed;
  }

  /** Returns the blobs that no manifest references and no client has found since `since`. */
  unused(since: number): Digest[] {
    const used = new Set<Digest>();
    for (const { manifests } of this.#repositories.values()) {
      for (const { digest, references, module } of manifests.values()) {
        used.add(digest);
        for (const each of references) used.add(each);
        if (module) used.add(module.digest);
      }
    }
    return Array.from(this.#blobs)
      .filter(([digest, { seenAt }]) => seenAt < since && !used.has(digest))
      .map(([digest]) => digest);
  }

  /**
   * Returns the event that removes a manifest together with a tag; none if another tag or an index
   * also references it.
   */
  unmanifest(
    repository: string,
    { tag, digest }: { tag: string; digest: Digest },
  ): CatalogEvent[] {
    const known = this.#repositories.get(repository);
    if (!known) return [];
    const isReferenced =
      Array.from(known.tags).some(([name, record]) => name !== tag && record.digest === digest) ||
      Array.from(known.manifests.values()).some(({ references }) => references.includes(digest));
    return isReferenced ? [] : [{ op: "unmanifest", repository, digest }];
  }

  /** Yields events that make the present state, each a line of the journal. */
  *snapshot(): Generator<CatalogEvent[]> {
    for (const [digest, { size, isModule }] of this.#blobs) {
      yield [{ op: "blob", digest, size, isModule }];
    }
    for (const { name: repository, blobs, manifests, tags } of this.#repositories.values()) {
      yield [
        ...Array.from(blobs, (digest) => ({ op: "link" as const, repository, digest })),
        ...Array.from(
          manifests.values(),
          (record) => ({ op: "manifest" as const, repository, ...record }),
        ),
        ...Array.from(
          tags,
          ([tag, record]) => ({ op: "tag" as const, repository, tag, ...record }),
        ),
      ];
    }
  }

  /** Drops blobs in one batch, because each repository is searched. */
  #drop(dropped: ReadonlySet<Digest>): void {
    for (const digest of dropped) this.#events -= this.#blobs.delete(digest) ? 1 : 0;
    for (const { name, blobs } of this.#repositories.values()) {
      for (const digest of blobs) if (dropped.has(digest)) blobs.delete(digest);
      this.#removeEmpty(name);
    }
  }

  #apply(event: Exclude<CatalogEvent, { op: "drop" }>): void {
    switch (event.op) {
      case "blob": {
        const { digest, size, isModule } = event;
        this.#events += this.#blobs.has(digest) ? 0 : 1;
        this.#blobs.set(digest, { size, isModule, seenAt: Date.now() });
        return;
      }
      case "link":
        this.#open(event.repository).blobs.add(event.digest);
        return;
      case "manifest": {
        const { op: _, repository, ...record } = event;
        this.#open(repository).manifests.set(record.digest, record);
        return;
      }
      case "tag": {
        const { tags } = this.#open(event.repository);
        // Inserted again, so that the newest comes last.
        tags.delete(event.tag);
        tags.set(event.tag, { digest: event.digest, at: event.at });
        return;
      }
      case "unlink":
        this.#repositories.get(event.repository)?.blobs.delete(event.digest);
        break;
      case "unmanifest":
        this.#repositories.get(event.repository)?.manifests.delete(event.digest);
        break;
      case "untag":
        this.#repositories.get(event.repository)?.tags.delete(event.tag);
        break;
      default:
        throw new TypeError(`there is no event ${JSON.stringify(event satisfies never)}`);
    }
    this.#removeEmpty(event.repository);
  }

  #open(name: string): MutableRepository {
    const known = this.#repositories.get(name);
    if (known) return known;
    const made = { name, tags: new Map(), manifests: new Map(), blobs: new Set<Digest>() };
    this.#repositories.set(name, made);
    this.#events += 1;
    return made;
  }

  #removeEmpty(name: string): void {
    const known = this.#repositories.get(name);
    if (!known || known.tags.size + known.manifests.size + known.blobs.size > 0) return;
    this.#repositories.delete(name);
    this.#events -= 1;
  }
}

function newest({ tags, manifests }: Repository): string | undefined {
  let found: { tag: string; at: number } | undefined;
  for (const [tag, { digest, at }] of tags) {
    if (manifests.get(digest)?.module && at >= (found?.at ?? 0)) found = { tag, at };
  }
  return found?.tag;
}
