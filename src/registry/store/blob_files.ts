import { dirname, join } from "node:path";
import { syncFolder } from "../../base/atomic_file.ts";
import { algorithmOf, type Digest, hexOf, parseDigest } from "../../source/digest.ts";
import { BlobWriter, orDiskFull } from "./blob_writer.ts";

/**
 * Blobs in files that are named by their digest: `<folder>/blobs/sha256/ab/ab12…`. A blob is
 * written in `<folder>/tmp`, synced, and linked to its name, so that it is there whole or not at
 * all. One process owns the folder.
 */
export class BlobFiles {
  readonly #folder: string;
  /** Folders below `blobs/<algorithm>` that exist on the disk. */
  readonly #shards = new Set<string>();
  /** False if the file system has no hard links: then files are renamed or copied. */
  readonly hasLinks: boolean;

  private constructor(folder: string, hasLinks: boolean) {
    this.#folder = folder;
    this.hasLinks = hasLinks;
  }

  /**
   * Opens or creates the folder, and removes what a killed process was writing.
   *
   * @param options.links `false` to use no hard links.
   */
  static async open(
    folder: string,
    { links = true }: { links?: boolean } = {},
  ): Promise<BlobFiles> {
    await Deno.remove(join(folder, "tmp"), { recursive: true }).catch(ignoreMissing);
    await Deno.mkdir(join(folder, "tmp"), { recursive: true });
    await Deno.mkdir(join(folder, "blobs"), { recursive: true });
    return new BlobFiles(folder, links && await supportsLinks(join(folder, "tmp")));
  }

  /** Yields the digest of every blob. Synchronous: a start lists tens of thousands. */
  *list(): Generator<Digest> {
    for (const algorithm of ["sha256", "sha512"]) {
      const root = join(this.#folder, "blobs", algorithm);
      for (const shard of entriesOf(root)) {
        for (const name of entriesOf(join(root, shard))) {
          const digest = parseDigest(`${algorithm}:${name}`);
          if (digest) yield digest;
        }
      }
    }
  }

  /** Returns the path of a blob, present or not. */
  path(digest: Digest): string {
    const hex = hexOf(digest);
    return join(this.#folder, "blobs", algorithmOf(digest), hex.slice(0, 2), hex);
  }

  /** Returns a new path for something unfinished, on the file system of the blobs. */
  temporaryPath(): string {
    return join(this.#folder, "tmp", crypto.randomUUID());
  }

  /** Begins a blob. @throws HttpError 507 `DISK_FULL` */
  async begin({ sha512 = false }: { sha512?: boolean } = {}): Promise<BlobWriter> {
    return await BlobWriter.create(this.temporaryPath(), { sha512 });
  }

  /**
   * Keeps the written bytes under their digest, unless that exists, and ends the writer.
   *
   * @throws HttpError 507 `DISK_FULL`; the writer has ended then, too.
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

  /**
   * Makes a blob available at another path too: as a hard link, which takes no space, or as a copy.
   *
   * @throws the file system's error, also if the path exists.
   */
  async linkTo(digest: Digest, path: string): Promise<void> {
    if (this.hasLinks) {
      try {
        return await Deno.link(this.path(digest), path);
      } catch (error) {
        if (!isTooManyLinks(error)) throw error;
      }
    }
    await Deno.copyFile(this.path(digest), path);
    using file = await Deno.open(path);
    await file.sync();
  }

  /** Removes a blob. Synchronous: no request may find it between the decision and the removal. */
  removeSync(digest: Digest): void {
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
    if (!this.hasLinks) return await Deno.rename(from, to);
    try {
      await Deno.link(from, to);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}

async function supportsLinks(folder: string): Promise<boolean> {
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

/** File systems limit the links of one file, some to ten thousands. */
function isTooManyLinks(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, "code") === "EMLINK";
}

function entriesOf(folder: string): string[] {
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
