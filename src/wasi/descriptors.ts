import type { FileKind } from "../files/file_backend.ts";
import type { Folder } from "../files/folder.ts";
import { maxDescriptors, refuse } from "./preview1.ts";
import type { WasiOutput } from "./streams.ts";

interface Common {
  /** A set of `Right`. */
  rights: number;
  /** Rights that a directory passes on to what is opened below it. */
  inheriting: number;
  /** A set of `Fdflags`. */
  flags: number;
}

/** Standard input. */
export interface InputDescriptor extends Common {
  readonly kind: "input";
  readonly isTerminal: boolean;
}

/** Standard output or standard error. */
export interface OutputDescriptor extends Common {
  readonly kind: "output";
  readonly write: WasiOutput;
  readonly isTerminal: boolean;
}

/** An open file. */
export interface FileDescriptor extends Common {
  readonly kind: "file";
  readonly folder: Folder;
  readonly handle: number;
  readonly fileKind: FileKind;
}

/** An open directory. */
export interface DirectoryDescriptor extends Common {
  readonly kind: "directory";
  /** A preopened directory is opened when this is first read. */
  readonly folder: Folder;
  /** The preopened directory that this one lies in; renames and links stay inside one. */
  readonly root: object;
  /**
   * Rights that were dropped here or on the way; other missing rights may never have been asked
   * for.
   */
  dropped: number;
  /** The guest's name of a preopened directory. */
  readonly preopenName?: Uint8Array;
}

/** An entry of the descriptor table. */
export type Descriptor =
  | InputDescriptor
  | OutputDescriptor
  | FileDescriptor
  | DirectoryDescriptor;

/** Descriptor table of a guest: standard streams, preopened directories, opened files. */
export class Descriptors {
  readonly #initial: () => Descriptor[];
  #table: (Descriptor | undefined)[];
  #isChanged = false;

  /** @param initial returns the descriptors of a fresh instance. */
  constructor(initial: () => Descriptor[]) {
    this.#initial = initial;
    this.#table = initial();
  }

  /** Throws `EBADF` if `fd` is not open. */
  get(fd: number): Descriptor {
    return this.#table[fd] ?? refuse("EBADF");
  }

  /** Returns a descriptor. Throws `ENOTCAPABLE` without that right. */
  withRight(fd: number, right: number): Descriptor {
    const descriptor = this.get(fd);
    if (!(descriptor.rights & right)) refuse("ENOTCAPABLE");
    return descriptor;
  }

  /** Returns a directory. Throws `ENOTDIR` if it is not one, `ENOTCAPABLE` without the rights. */
  directory(fd: number, rights: number): DirectoryDescriptor {
    const descriptor = this.get(fd);
    if (descriptor.kind !== "directory") refuse("ENOTDIR");
    if ((descriptor.rights & rights) !== rights) refuse("ENOTCAPABLE");
    return descriptor;
  }

  /** Adds a descriptor under the lowest free number, which it returns. */
  add(descriptor: Descriptor): number {
    let fd = 0;
    while (this.#table[fd] !== undefined) fd++;
    this.#isChanged = true;
    this.#table[fd] = descriptor;
    return fd;
  }

  /** Throws `EMFILE` if the table is full. */
  checkRoom(): void {
    if (this.#table.length < maxDescriptors || this.#table.includes(undefined)) return;
    refuse("EMFILE");
  }

  close(fd: number): void {
    const descriptor = this.get(fd);
    this.#isChanged = true;
    this.#table[fd] = undefined;
    release(descriptor);
  }

  /** Moves descriptor `from` to the number `to`, which is closed. Both must be open. */
  renumber(from: number, to: number): void {
    const descriptor = this.get(from);
    const replaced = this.get(to);
    if (from === to) return;
    this.#isChanged = true;
    this.#table[to] = descriptor;
    this.#table[from] = undefined;
    release(replaced);
  }

  /** Call after changing a field of a descriptor, so that `reset` restores it. */
  noteChange(): void {
    this.#isChanged = true;
  }

  /** Closes what the guest opened and restores the initial descriptors. */
  reset(): void {
    if (!this.#isChanged) return;
    for (const descriptor of this.#table) if (descriptor) release(descriptor);
    this.#table = this.#initial();
    this.#isChanged = false;
  }
}

/** Closes the handle of a descriptor. Preopened directories stay open for the next call. */
function release(descriptor: Descriptor): void {
  if (descriptor.kind === "file") descriptor.folder.backend.close(descriptor.handle);
  else if (descriptor.kind === "directory" && !descriptor.preopenName) descriptor.folder.close();
}
