import type { FileIdentity, Kernel } from "./kernel.ts";

interface Place {
  readonly folder: string;
  readonly name: string;
}

type FileKey = string;

/**
 * Files that belong to the launcher: its module, its configuration, its keys. Guests get them under no name: files are
 * compared by device and inode, so neither a second name nor a link helps, and the place of one that does not exist
 * yet is kept too. Looked up anew for each question, since the launcher may replace them at any time.
 */
export class OwnFiles {
  readonly #kernel: Kernel;
  readonly #paths: readonly string[];

  constructor(kernel: Kernel, paths: readonly string[]) {
    this.#kernel = kernel;
    this.#paths = paths;
  }

  get isEmpty(): boolean {
    return this.#paths.length === 0;
  }

  /** Whether that is one of them. */
  includes(identity: FileIdentity): boolean {
    if (this.#paths.length === 0) return false;
    const key = keyOf(identity);
    return this.#paths.some((path) => this.#keyAt(path) === key);
  }

  /** Whether one of them lies, or would lie, under that name in that folder. */
  isPlace(folder: FileIdentity, name: string): boolean {
    const plain = name.replace(/\/$/, "");
    const key = keyOf(folder);
    return this.#paths.some((path) => {
      const place = placeOf(path);
      return place.name === plain && this.#keyAt(place.folder) === key;
    });
  }

  #keyAt(path: string): FileKey | undefined {
    try {
      return keyOf(this.#kernel.identityAt(path));
    } catch {
      return undefined;
    }
  }
}

function placeOf(path: string): Place {
  const trimmed = path.replace(/[/\\]+$/, "");
  const slash = Math.max(
    trimmed.lastIndexOf("/"),
    Deno.build.os === "windows" ? trimmed.lastIndexOf("\\") : -1,
  );
  return { folder: slash < 0 ? "." : trimmed.slice(0, slash) || "/", name: trimmed.slice(slash + 1) };
}

function keyOf(identity: FileIdentity): FileKey {
  return `${identity.device}:${identity.inode}`;
}
