import type { FileIdentity, Kernel } from "./kernel.ts";

/** File times come from a clock that ticks every 10 ms at most; twice that, and room. */
const clockToleranceMs = 50;

/**
 * Until when a look counts for files that did not change. A folder that is exchanged brings old files to the place of
 * one of the launcher's; under their former names they could be read before, too.
 */
const longestTrustMs = 100;

/**
 * Files that belong to the launcher: its module, its configuration, its keys. Guests get them under no name: files are
 * compared by device, inode and birth, so neither a second name nor a link helps, nor to move a folder that one lies
 * in; and the place of one that does not exist yet is kept too. The launcher may replace them at any time, so they are
 * looked up anew unless the file in question was last changed before the last look.
 */
export class OwnFiles {
  readonly #kernel: Kernel;
  readonly #places: readonly Place[];
  /** All that were ever seen: a guest may have moved what leads to one, and it is still the launcher's. */
  readonly #seen = new Set<string>();
  /** Their inodes alone: most files are told from all of them without making a key. */
  readonly #inodes = new Set<bigint>();
  #lookedMs = 0;

  constructor(kernel: Kernel, paths: readonly string[]) {
    this.#kernel = kernel;
    this.#places = paths.map(placeOf);
    this.#look();
  }

  get isEmpty(): boolean {
    return this.#places.length === 0;
  }

  /** Whether that is one of them. */
  includes(identity: FileIdentity): boolean {
    if (this.isEmpty) return false;
    const { changedMs = Infinity } = identity;
    const age = Date.now() - this.#lookedMs;
    if (changedMs + clockToleranceMs > this.#lookedMs || age < 0 || age > longestTrustMs) {
      this.#look();
    }
    return this.#inodes.has(identity.inode) && this.#seen.has(keyOf(identity));
  }

  /** Whether one of them lies, or would lie, under that name in that folder. */
  isPlace(folder: FileIdentity, name: string): boolean {
    const key = keyOf(folder);
    return this.#places.some((place) => {
      if (place.name !== name) return false;
      const kept = this.#identityAt(place.folder);
      return kept !== undefined && keyOf(kept) === key;
    });
  }

  #look(): void {
    this.#lookedMs = Date.now();
    for (const { path } of this.#places) {
      const identity = this.#identityAt(path);
      if (identity === undefined) continue;
      this.#seen.add(keyOf(identity));
      this.#inodes.add(identity.inode);
    }
  }

  #identityAt(path: string): FileIdentity | undefined {
    try {
      return this.#kernel.identityAt(path);
    } catch {
      return undefined;
    }
  }
}

interface Place {
  readonly path: string;
  readonly folder: string;
  readonly name: string;
}

function placeOf(path: string): Place {
  const trimmed = path.replace(/[/\\]+$/, "");
  const slash = Math.max(
    trimmed.lastIndexOf("/"),
    Deno.build.os === "windows" ? trimmed.lastIndexOf("\\") : -1,
  );
  return {
    path,
    folder: slash < 0 ? "." : trimmed.slice(0, slash) || "/",
    name: trimmed.slice(slash + 1),
  };
}

function keyOf(identity: FileIdentity): string {
  return `${identity.device}:${identity.inode}:${identity.bornMs}`;
}
