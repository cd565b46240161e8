import type { FileBackend, FileIdentity } from "./file_backend.ts";

/** File times come from a clock with ticks of up to 10 ms; twice that, and a margin. */
const clockToleranceMs = 50;

/**
 * How long the identities are trusted, in milliseconds. Renaming another folder over the one that
 * holds an own file puts an older file at its path, and no change time reveals that.
 */
const trustedMs = 100;

/**
 * The launcher's own files: its module, its configuration, its keys. No guest opens, replaces or
 * removes them, and their paths are reserved while they do not exist. Files are compared by device,
 * inode and birth time, so hard links, symbolic links and renamed folders do not help. The launcher
 * may replace an own file at any time; the identities are therefore read again, unless the file in
 * question was last changed before they were read.
 */
export class OwnFiles {
  readonly #backend: FileBackend;
  readonly #paths: readonly OwnPath[];
  /** Keys of all identities ever seen: a file stays the launcher's after a guest moved its path. */
  readonly #seen = new Set<string>();
  /**
   * Hot path (bench: `files`): most files differ from all of them by the inode, so no key is built.
   */
  readonly #inodes = new Set<bigint>();
  #readAtMs = 0;

  constructor(backend: FileBackend, paths: readonly string[]) {
    this.#backend = backend;
    this.#paths = paths.map(splitPath);
    this.#readIdentities();
  }

  get isEmpty(): boolean {
    return this.#paths.length === 0;
  }

  /** Reports whether a file is one of them. */
  includes(identity: FileIdentity): boolean {
    if (this.isEmpty) return false;
    const { changedMs = Infinity } = identity;
    const age = Date.now() - this.#readAtMs;
    if (changedMs + clockToleranceMs > this.#readAtMs || age < 0 || age > trustedMs) {
      this.#readIdentities();
    }
    return this.#inodes.has(identity.inode) && this.#seen.has(keyOf(identity));
  }

  /** Reports whether `name` in `folder` is the path of one of them, existing or not. */
  reserves(folder: FileIdentity, name: string): boolean {
    const key = keyOf(folder);
    return this.#paths.some((own) => {
      if (own.name !== name) return false;
      const identity = this.#identityAt(own.folder);
      return identity !== undefined && keyOf(identity) === key;
    });
  }

  #readIdentities(): void {
    this.#readAtMs = Date.now();
    for (const { path } of this.#paths) {
      const identity = this.#identityAt(path);
      if (identity === undefined) continue;
      this.#seen.add(keyOf(identity));
      this.#inodes.add(identity.inode);
    }
  }

  #identityAt(path: string): FileIdentity | undefined {
    try {
      return this.#backend.identityAt(path);
    } catch {
      return undefined;
    }
  }
}

/** A path, split at its last step. */
interface OwnPath {
  readonly path: string;
  readonly folder: string;
  readonly name: string;
}

function splitPath(path: string): OwnPath {
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
