import { dirname, join } from "node:path";
import { BlobWriter } from "./blob_writer.ts";
import { algorithmOf, type Digest, hexOf, parseDigest } from "../../source/digest.ts";
import { orDiskFull } from "./blob_writer.ts";
import { syncFolder } from "../../base/atomic_file.ts";

/**
 * Bytes by their digest, each in a file of its own: `<folder>/blobs/sha256/ab/ab12…`. A file is there whole or not at all:
 * it is written in `<folder>/tmp`, synchronised, and linked to its place, which either happens or does not.
 *
 * One process owns the folder.
 */
export class BlobFiles {
  readonly #folder: string;
  /** Folders of blobs whose names are on the disk. */
  readonly #shards = new Set<string>();
  /** Whether the file system has hard links. Where not, what would be linked is moved or copied. */
  readonly links: boolean;

  private constructor(folder: string, links: boolean) {
    this.#folder = folder;
    this.links = links;
  }

  /** Opens the folder, made if it is not there, and removes what a killed process was writing. */
  static async open(
    folder: string,
    { links = true }: { links?: boolean } = {},
  ): Promise<BlobFiles> {
    await Deno.remove(join(folder, "tmp"), { recursive: true }).catch(ignoreMissing);
    await Deno.mkdir(join(folder, "tmp"), { recursive: true });
    await Deno.mkdir(join(folder, "blobs"), { recursive: true });
    return new BlobFiles(folder, links && await hasLinks(join(folder, "tmp")));
  }

  /** Every blob that is there. Synchronous: a start with ten thousand modules has no time for promises. */
  *list(): Generator<Digest> {
    for (const algorithm of ["sha256", "sha512"]) {
      const root = join(this.#folder, "blobs", algorithm);
      for (const shard of entries(root)) {
        for (const name of entries(join(root, shard))) {
          const digest = parseDigest(`${algorithm}:${name}`);
          if (digest) yield digest;
        }
      }
    }
  }

  path(digest: Digest): string {
    const hex = hexOf(digest);
    return join(this.#folder, "blobs", algorithmOf(digest), hex.slice(0, 2), hex);
  }

  /** A name in the folder for unfinished things, on the same file system as the rest. */
  temporary(): string {
    return join(this.#folder, "tmp", crypto.randomUUID());
  }

  /** Begins a blob. `sha512`: that its digest may be asked for in that algorithm too. */
  async begin({ sha512 = false }: { sha512?: boolean } = {}): Promise<BlobWriter> {
    return await BlobWriter.create(this.temporary(), { sha512 });
  }

  /**
   * Puts what was written at the place of its digest and ends the writer. A blob that is there already stays.
   *
   * @throws HttpError 507 `DISK_FULL`; the writer is over then too.
   */
  async keep(writer: BlobWriter, digest: Digest): Promise<void> {
    try {
      await writer.finish();
      const path = this.path(digest);
      await this.#makeShard(dirname(path));
      await this.#moveNew(writer.path, path);
      await syncFolder(dirname(path));
    } catch (error) {
      orDiskFull(error);
    } finally {
      await writer.abort();
    }
  }

  /** Makes the blob appear at another path, which must be free: as a hard link, so that it takes no room, or else as a copy. */
  async place(digest: Digest, path: string): Promise<void> {
    if (this.links) {
      try {
        return await Deno.link(this.path(digest), path);
      } catch (error) {
        if (!isTooMany(error)) throw error;
      }
    }
    await Deno.copyFile(this.path(digest), path);
    using file = await Deno.open(path);
    await file.sync();
  }

  /** Synchronous, so that nobody can begin to use the blob between the decision and the deed. */
  removeNow(digest: Digest): void {
    try {
      Deno.removeSync(this.path(digest));
    } catch (error) {
      ignoreMissing(error);
    }
  }

  async #makeShard(folder: string): Promise<void> {
    if (this.#shards.has(folder)) return;
    await Deno.mkdir(folder, { recursive: true });
    for (const parent of [dirname(folder), dirname(dirname(folder))]) await syncFolder(parent);
    this.#shards.add(folder);
  }

  async #moveNew(from: string, to: string): Promise<void> {
    if (!this.links) return await Deno.rename(from, to);
    try {
      await Deno.link(from, to);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}

async function hasLinks(folder: string): Promise<boolean> {
  const [from, to] = [join(folder, "probe"), join(folder, "probe-link")];
  try {
    await Deno.writeTextFile(from, "");
    await Deno.link(from, to);
    return true;
  } catch {
    return false;
  } finally {
    for (const path of [from, to]) await Deno.remove(path).catch(ignoreMissing);
  }
}

/** One file may have some ten thousand names, more or less by file system. */
function isTooMany(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, "code") === "EMLINK";
}

function entries(folder: string): string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name);
  } catch (error) {
    ignoreMissing(error);
    return [];
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
