import { FileError } from "./file_error.ts";
import { type FileIdentity, type FileStatus, type FileTimes, How, type Kernel } from "./kernel.ts";
import type { OwnFiles } from "./own_files.ts";
import { linkText, maxLinks, openBeneath, parentOf } from "./walk.ts";

/** What was opened; whoever opened it closes the handle. */
export interface Opened {
  readonly handle: number;
  readonly identity: FileIdentity;
}

/**
 * Files below one open folder, by paths that cannot leave it. Every operation of a guest on a path, through WASI or a
 * host function, is one of these methods.
 */
export class Folder {
  readonly kernel: Kernel;
  readonly handle: number;
  readonly #own: OwnFiles | undefined;

  /** `own`: files that are never opened, replaced or removed, wherever they lie. */
  constructor(kernel: Kernel, handle: number, own?: OwnFiles) {
    this.kernel = kernel;
    this.handle = handle;
    this.#own = own;
  }

  /**
   * Opens a file or a folder; anything that could block or act on the machine (named pipe, device, socket) is
   * `EACCES`. `how` are bits of `How`; `truncate` empties the file once it is known to be one that may be written.
   */
  open(path: string, how: number, options: { mode?: number; truncate?: boolean } = {}): Opened {
    const handle = this.#open(path, how, options.mode ?? 0o666);
    try {
      const identity = this.kernel.identity(handle);
      if (!isHarmless(identity)) {
        throw new FileError("EACCES", "permission denied: neither a regular file nor a folder");
      }
      this.#refuseOwn(identity);
      if (this.kernel.isProcess?.(handle, identity)) {
        throw new FileError(
          "EACCES",
          "permission denied: the system's view into running processes",
        );
      }
      if (options.truncate) {
        if (identity.kind === "directory") throw new FileError("EISDIR");
        if (identity.kind === "file") this.kernel.resize(handle, 0n);
      }
      return { handle, identity };
    } catch (error) {
      this.kernel.close(handle);
      throw error;
    }
  }

  #open(path: string, how: number, mode: number): number {
    if (!(how & How.create) || !this.#own || this.#own.isEmpty) {
      return openBeneath(this.kernel, this.handle, path, how, mode);
    }
    // A link that leads to nothing may lead to a place that is kept. So a file is made under the very name, in the very
    // folder, that were looked at, and links to what is not there are followed here.
    for (let at = path, links = 0; links <= maxLinks; links++) {
      try {
        if (!(how & How.exclusive)) {
          return openBeneath(this.kernel, this.handle, at, how & ~How.create, 0);
        }
      } catch (error) {
        if (!isFileError(error, "ENOENT")) throw error;
      }
      using parent = parentOf(this.kernel, this.handle, at);
      this.#refusePlace(parent.folder, parent.name);
      try {
        return this.kernel.openStep(parent.folder, parent.name, how | How.exclusive, mode);
      } catch (error) {
        if (!isFileError(error, "EEXIST") || how & How.exclusive || !(how & How.follow)) {
          throw error;
        }
      }
      // Where it is no link, somebody made the file just now.
      const target = linkText(this.kernel, parent.folder, parent.name);
      if (target !== undefined) at = target.startsWith("/") ? target : folderOf(at) + target;
    }
    throw new FileError("ELOOP");
  }

  /** A folder below this one as a `Folder` of its own, with the same rules. */
  within(opened: Opened): Folder {
    return new Folder(this.kernel, opened.handle, this.#own);
  }

  /** What is known of a file; of a link itself unless `follow`. */
  status(path: string, follow: boolean): FileStatus {
    if (follow || path.endsWith("/")) {
      const handle = openBeneath(this.kernel, this.handle, path, How.nameOnly | How.follow);
      try {
        return this.kernel.status(handle);
      } finally {
        this.kernel.close(handle);
      }
    }
    using parent = parentOf(this.kernel, this.handle, path);
    return this.kernel.statusOf(parent.folder, parent.name);
  }

  /** Sets times; of a link itself unless `follow`. */
  setTimes(path: string, times: FileTimes, follow: boolean): void {
    if (follow || path.endsWith("/")) {
      const handle = openBeneath(this.kernel, this.handle, path, How.nameOnly | How.follow);
      try {
        this.#refuseOwn(this.kernel.identity(handle));
        this.kernel.setTimes(handle, times);
      } finally {
        this.kernel.close(handle);
      }
      return;
    }
    using parent = parentOf(this.kernel, this.handle, path);
    this.#checkName(parent.folder, parent.name);
    this.kernel.setTimesOf(parent.folder, parent.name, times);
  }

  makeFolder(path: string): void {
    using parent = parentOf(this.kernel, this.handle, path);
    this.#checkName(parent.folder, parent.name);
    this.kernel.makeFolder(parent.folder, parent.name, 0o777);
  }

  removeFolder(path: string): void {
    using parent = parentOf(this.kernel, this.handle, path);
    this.kernel.removeFolder(parent.folder, parent.name);
  }

  unlink(path: string): void {
    using parent = parentOf(this.kernel, this.handle, path);
    this.#checkName(parent.folder, parent.name);
    this.kernel.unlink(parent.folder, parent.name);
  }

  /** Renames; both folders must be below the same granted one, which the caller sees to. */
  rename(path: string, newFolder: Folder, newPath: string): void {
    using from = parentOf(this.kernel, this.handle, path);
    using to = parentOf(this.kernel, newFolder.handle, newPath);
    this.#checkName(from.folder, from.name);
    this.#checkName(to.folder, to.name);
    this.kernel.rename(from.folder, from.name, to.folder, to.name);
  }

  /** Gives a file a second name; a link gets it itself. */
  link(path: string, newFolder: Folder, newPath: string): void {
    // Asked for as a folder: no folder can have two names, and what is none is an error of its own.
    if (path.endsWith("/")) {
      this.status(path, true);
      throw new FileError("EPERM");
    }
    using from = parentOf(this.kernel, this.handle, path);
    using to = parentOf(this.kernel, newFolder.handle, newPath);
    this.#checkName(from.folder, from.name);
    this.#checkName(to.folder, to.name);
    this.kernel.link(from.folder, from.name, to.folder, to.name);
  }

  /** Makes a link. Its text is not checked here, since every walk is: an absolute one could never be followed. */
  symlink(target: string, path: string): void {
    if (target.startsWith("/")) throw new FileError("EOUTSIDE");
    using parent = parentOf(this.kernel, this.handle, path);
    this.#checkName(parent.folder, parent.name);
    try {
      this.kernel.symlink(target, parent.folder, parent.name);
    } catch (error) {
      // Linux says of a file with a slash behind it that it is there, not that it is no folder.
      if (isFileError(error, "EEXIST") && parent.name.endsWith("/")) {
        const { kind } = this.kernel.statusOf(parent.folder, parent.name.slice(0, -1));
        if (kind === "file") throw new FileError("ENOTDIR");
      }
      throw error;
    }
  }

  /** A link's text, as many bytes of it as fit. */
  readLink(path: string, into: Uint8Array): number {
    // With a slash behind it, the link is followed and what it leads to is asked for its text.
    if (path.endsWith("/")) {
      this.status(path, true);
      throw new FileError("EINVAL");
    }
    using parent = parentOf(this.kernel, this.handle, path);
    return this.kernel.readLink(parent.folder, parent.name, into);
  }

  close(): void {
    this.kernel.close(this.handle);
  }

  #refuseOwn(identity: FileIdentity): void {
    if (this.#own?.includes(identity)) {
      throw new FileError("EACCES", "permission denied: a file of the launcher's own");
    }
  }

  #refusePlace(folder: number, name: string): void {
    if (this.#own?.isPlace(this.kernel.identity(folder), name.replace(/\/$/, ""))) {
      throw new FileError("EACCES", "permission denied: kept for a file of the launcher's own");
    }
  }

  /** Refuses to change a name that is, or is kept for, a file of the launcher's own. */
  #checkName(folder: number, name: string): void {
    if (!this.#own || this.#own.isEmpty) return;
    this.#refusePlace(folder, name);
    let identity: FileIdentity;
    try {
      identity = this.kernel.statusOf(folder, name.replace(/\/$/, ""));
    } catch {
      return; // Nothing there, or nothing that may be seen: the operation itself says which.
    }
    this.#refuseOwn(identity);
  }
}

/** Memory devices that only give or take bytes: null, zero, full, random, urandom. @see null(4) */
const harmlessDevices = new Set(["1:3", "1:5", "1:7", "1:8", "1:9"]);

function isHarmless(identity: FileIdentity): boolean {
  if (identity.kind === "file" || identity.kind === "directory") return true;
  return identity.kind === "character" && harmlessDevices.has(identity.special ?? "");
}

/** A path without its last step: empty, or with a slash at its end. */
function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

function isFileError(error: unknown, code: string): boolean {
  return error instanceof FileError && error.code === code;
}
