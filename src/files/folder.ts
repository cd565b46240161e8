import {
  type FileBackend,
  type FileIdentity,
  type FileStatus,
  type FileTimes,
  OpenFlags,
} from "./file_backend.ts";
import { FileError, isFileError } from "./file_error.ts";
import { OwnFiles } from "./own_files.ts";
import { systemBackend } from "./system_backend.ts";
import { linkText, maxLinks, openBeneath, parentOf } from "./walk.ts";

/** An opened file or folder. The caller closes the handle. */
export interface OpenedFile {
  readonly handle: number;
  readonly identity: FileIdentity;
}

/**
 * The files below one open folder, by paths that cannot leave it. Every operation of a guest on a
 * path, through WASI or a host function, is one of these methods; all throw `FileError`.
 */
export class Folder {
  readonly backend: FileBackend;
  readonly handle: number;
  readonly #own: OwnFiles | undefined;

  /** @param own files that are never opened, replaced or removed, wherever they lie. */
  constructor(backend: FileBackend, handle: number, own?: OwnFiles) {
    this.backend = backend;
    this.handle = handle;
    this.#own = own;
  }

  /**
   * Opens a regular file or a folder. Throws `EACCES` for files that could block or act on the
   * machine: named pipes, devices, sockets. `flags` are `OpenFlags`; `truncate` empties the file
   * after these checks.
   */
  open(
    path: string,
    flags: number,
    options: { mode?: number; truncate?: boolean } = {},
  ): OpenedFile {
    const handle = this.#open(path, flags, options.mode ?? 0o666);
    try {
      const identity = this.backend.identity(handle);
      if (!isHarmless(identity)) {
        throw new FileError("EACCES", "permission denied: neither a regular file nor a folder");
      }
      this.#checkFile(identity);
      if (this.backend.isProcess?.(handle, identity)) {
        throw new FileError(
          "EACCES",
          "permission denied: the system's view into running processes",
        );
      }
      if (options.truncate) {
        if (identity.kind === "directory") throw new FileError("EISDIR");
        if (identity.kind === "file") this.backend.resize(handle, 0n);
      }
      return { handle, identity };
    } catch (error) {
      this.backend.close(handle);
      throw error;
    }
  }

  #open(path: string, flags: number, mode: number): number {
    const { create, exclusive, follow } = OpenFlags;
    if (!(flags & create) || !this.#own || this.#own.isEmpty) {
      return openBeneath(this.backend, this.handle, path, flags, mode);
    }
    // A dangling link may lead to a reserved path. So a file is created under the very name, in the
    // very folder, that were checked, and dangling links are followed here.
    for (let at = path, links = 0; links <= maxLinks; links++) {
      try {
        if (!(flags & exclusive)) {
          return openBeneath(this.backend, this.handle, at, flags & ~create, 0);
        }
      } catch (error) {
        if (!isFileError(error, "ENOENT")) throw error;
      }
      using parent = parentOf(this.backend, this.handle, at);
      this.#checkReserved(parent.folder, parent.name);
      try {
        return this.backend.openStep(parent.folder, parent.name, flags | exclusive, mode);
      } catch (error) {
        if (!isFileError(error, "EEXIST") || flags & exclusive || !(flags & follow)) throw error;
      }
      // If it is not a link, another process has just created the file: try again.
      const target = linkText(this.backend, parent.folder, parent.name);
      if (target !== undefined) at = target.startsWith("/") ? target : dirname(at) + target;
    }
    throw new FileError("ELOOP");
  }

  /** Returns a folder opened below this one as a `Folder` with the same own files. */
  within(opened: OpenedFile): Folder {
    return new Folder(this.backend, opened.handle, this.#own);
  }

  /** Returns a file's metadata; that of a link itself unless `follow`. */
  status(path: string, follow: boolean): FileStatus {
    if (follow || path.endsWith("/")) {
      const handle = this.#reference(path);
      try {
        return this.backend.status(handle);
      } finally {
        this.backend.close(handle);
      }
    }
    using parent = parentOf(this.backend, this.handle, path);
    return this.backend.statusOf(parent.folder, parent.name);
  }

  /** Sets a file's times; those of a link itself unless `follow`. */
  setTimes(path: string, times: FileTimes, follow: boolean): void {
    if (follow || path.endsWith("/")) {
      const handle = this.#reference(path);
      try {
        this.#checkFile(this.backend.identity(handle));
        this.backend.setTimes(handle, times);
      } finally {
        this.backend.close(handle);
      }
      return;
    }
    using parent = parentOf(this.backend, this.handle, path);
    this.#checkName(parent.folder, parent.name);
    this.backend.setTimesOf(parent.folder, parent.name, times);
  }

  makeFolder(path: string): void {
    using parent = parentOf(this.backend, this.handle, path);
    this.#checkName(parent.folder, parent.name);
    this.backend.makeFolder(parent.folder, parent.name, 0o777);
  }

  removeFolder(path: string): void {
    using parent = parentOf(this.backend, this.handle, path);
    this.backend.removeFolder(parent.folder, parent.name);
  }

  unlink(path: string): void {
    using parent = parentOf(this.backend, this.handle, path);
    this.#checkName(parent.folder, parent.name);
    this.backend.unlink(parent.folder, parent.name);
  }

  /** Renames a file. The caller makes sure that both folders lie in the same granted folder. */
  rename(path: string, newFolder: Folder, newPath: string): void {
    using from = parentOf(this.backend, this.handle, path);
    using to = parentOf(this.backend, newFolder.handle, newPath);
    this.#checkName(from.folder, from.name);
    this.#checkName(to.folder, to.name);
    this.backend.rename(from.folder, from.name, to.folder, to.name);
  }

  /** Makes a hard link to a file, or to a symbolic link itself. */
  link(path: string, newFolder: Folder, newPath: string): void {
    // A slash at the end asks for a folder, which cannot have two names: EPERM, or ENOTDIR if it is
    // not one.
    if (path.endsWith("/")) {
      this.status(path, true);
      throw new FileError("EPERM");
    }
    using from = parentOf(this.backend, this.handle, path);
    using to = parentOf(this.backend, newFolder.handle, newPath);
    this.#checkName(from.folder, from.name);
    this.#checkName(to.folder, to.name);
    this.backend.link(from.folder, from.name, to.folder, to.name);
  }

  /**
   * Makes a symbolic link. A relative target is not checked here, since every walk checks it; an
   * absolute one is refused, since it could never be followed.
   */
  symlink(target: string, path: string): void {
    if (target.startsWith("/")) throw new FileError("EOUTSIDE");
    using parent = parentOf(this.backend, this.handle, path);
    this.#checkName(parent.folder, parent.name);
    try {
      this.backend.symlink(target, parent.folder, parent.name);
    } catch (error) {
      // Linux reports EEXIST for a file with a slash behind it; POSIX wants ENOTDIR.
      if (isFileError(error, "EEXIST") && parent.name.endsWith("/")) {
        const { kind } = this.backend.statusOf(parent.folder, parent.name.slice(0, -1));
        if (kind === "file") throw new FileError("ENOTDIR");
      }
      throw error;
    }
  }

  /** Copies a link's text, cut where `into` ends, and returns its length. */
  readLink(path: string, into: Uint8Array): number {
    // With a slash behind it the link is followed, and its target is a folder or an error.
    if (path.endsWith("/")) {
      this.status(path, true);
      throw new FileError("EINVAL");
    }
    using parent = parentOf(this.backend, this.handle, path);
    return this.backend.readLink(parent.folder, parent.name, into);
  }

  close(): void {
    this.backend.close(this.handle);
  }

  #reference(path: string): number {
    return openBeneath(this.backend, this.handle, path, OpenFlags.nameOnly | OpenFlags.follow);
  }

  #checkFile(identity: FileIdentity): void {
    if (this.#own?.includes(identity)) {
      throw new FileError("EACCES", "permission denied: one of the launcher's own files");
    }
  }

  #checkReserved(folder: number, name: string): void {
    if (this.#own?.reserves(this.backend.identity(folder), name.replace(/\/$/, ""))) {
      throw new FileError(
        "EACCES",
        "permission denied: reserved for one of the launcher's own files",
      );
    }
  }

  /** Throws `EACCES` if a name is, or is reserved for, one of the launcher's own files. */
  #checkName(folder: number, name: string): void {
    if (!this.#own || this.#own.isEmpty) return;
    this.#checkReserved(folder, name);
    let identity: FileIdentity;
    try {
      identity = this.backend.statusOf(folder, name.replace(/\/$/, ""));
    } catch {
      return; // The file does not exist or cannot be seen: the operation itself reports which.
    }
    this.#checkFile(identity);
  }
}

/**
 * Opens a granted folder by its path on this machine.
 *
 * @param ownFiles the launcher's own files, which no path reaches, not even inside the folder.
 * @throws FileError with the system's code.
 */
export function openFolder(
  host: string,
  ownFiles: readonly string[],
  backend: FileBackend = systemBackend(),
): Folder {
  return new Folder(backend, backend.openRoot(host), new OwnFiles(backend, ownFiles));
}

/** Memory devices: null, zero, full, random, urandom. @see null(4) */
const harmlessDevices = new Set(["1:3", "1:5", "1:7", "1:8", "1:9"]);

function isHarmless(identity: FileIdentity): boolean {
  if (identity.kind === "file" || identity.kind === "directory") return true;
  return identity.kind === "character" && harmlessDevices.has(identity.special ?? "");
}

/** Returns a path without its last step: empty, or with a slash at its end. */
function dirname(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}
