import type { FileKind } from "../files/file_backend.ts";
import type { Folder } from "../files/folder.ts";
import { maxDescriptors, refuse } from "./preview1.ts";
import type { WasiOutput } from "./streams.ts";

interface Common {
  /** Sets of `Right`. */
  rights: number;
  inheriting: number;
  /** Bits of `FdFlag`. */
  flags: number;
}

export interface InputStream extends Common {
  readonly kind: "input";
  readonly isTerminal: boolean;
}

export interface OutputStream extends Common {
  readonly kind: "output";
  readonly write: WasiOutput;
  readonly isTerminal: boolean;
}

export interface OpenFile extends Common {
  readonly kind: "file";
  readonly folder: Folder;
  readonly handle: number;
  readonly fileKind: FileKind;
}

export interface OpenFolder extends Common {
  readonly kind: "folder";
  /** A granted folder is opened when this is first read. */
  readonly folder: Folder;
  /** The granted folder that it lies in; nothing moves from one of them to another. */
  readonly root: object;
  /** Rights that the guest gave up, here or where this was opened; others it may just not have asked for. */
  givenUp: number;
  /** The guest's name of a granted folder. */
  readonly preopenName?: Uint8Array;
}

export type Descriptor = InputStream | OutputStream | OpenFile | OpenFolder;

/** What a guest has open, by number: 0, 1 and 2, then the granted folders, then what it opened. */
export class Descriptors {
  readonly #initial: () => Descriptor[];
  #table: (Descriptor | undefined)[];
  /** Whether anything differs from the start. Set by whoever changes a descriptor. */
  touched = false;

  constructor(initial: () => Descriptor[]) {
    this.#initial = initial;
    this.#table = initial();
  }

  /** @throws Refusal `EBADF` */
  get(fd: number): Descriptor {
    return this.#table[fd] ?? refuse("EBADF");
  }

  /** The descriptor, which must have that right: `ENOTCAPABLE`. */
  withRight(fd: number, right: number): Descriptor {
    const descriptor = this.get(fd);
    if (!(descriptor.rights & right)) refuse("ENOTCAPABLE");
    return descriptor;
  }

  /** The folder with that number and those rights: `ENOTDIR` for anything else. */
  folder(fd: number, rights: number): OpenFolder {
    const descriptor = this.get(fd);
    if (descriptor.kind !== "folder") refuse("ENOTDIR");
    if ((descriptor.rights & rights) !== rights) refuse("ENOTCAPABLE");
    return descriptor;
  }

  /** Gives the descriptor the lowest free number. */
  add(descriptor: Descriptor): number {
    let fd = 0;
    while (this.#table[fd] !== undefined) fd++;
    this.touched = true;
    this.#table[fd] = descriptor;
    return fd;
  }

  /** Refuses `EMFILE` when `add` would have no number to give. */
  checkRoom(): void {
    if (this.#table.length < maxDescriptors || this.#table.includes(undefined)) return;
    refuse("EMFILE");
  }

  close(fd: number): void {
    const descriptor = this.get(fd);
    this.touched = true;
    this.#table[fd] = undefined;
    release(descriptor);
  }

  /** Moves one over another, which is closed. Both must be open. */
  renumber(from: number, to: number): void {
    const descriptor = this.get(from);
    const replaced = this.get(to);
    if (from === to) return;
    this.touched = true;
    this.#table[to] = descriptor;
    this.#table[from] = undefined;
    release(replaced);
  }

  /** Closes what the guest left open; afterwards all is as at the start. */
  reset(): void {
    if (!this.touched) return;
    for (const descriptor of this.#table) if (descriptor) release(descriptor);
    this.#table = this.#initial();
    this.touched = false;
  }
}

/** Closes what only this descriptor holds. Granted folders stay open for the next call. */
function release(descriptor: Descriptor): void {
  if (descriptor.kind === "file") descriptor.folder.backend.close(descriptor.handle);
  else if (descriptor.kind === "folder" && !descriptor.preopenName) descriptor.folder.close();
}
