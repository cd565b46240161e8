/**
 * What the walk needs of the operating system. A handle is an open file or folder; a `name` is one step of a path: it
 * holds no slash inside, and no call follows it when it is a link. Every method throws `FileError`.
 */
export interface Kernel {
  /** Opens a folder by its path as a person named it, links followed. */
  openRoot(path: string): number;
  /** What such a path leads to. */
  identityAt(path: string): FileIdentity;
  /** Opens what `name` is in `folder`; `ELOOP` or `ENOTDIR` when it is a link. */
  openStep(folder: number, name: string, how: number, mode: number): number;
  /** The whole walk in one call, where the system has one that no link leaves: `EOUTSIDE` when the path does. */
  readonly openBeneath?: (folder: number, path: string, how: number, mode: number) => number;
  close(handle: number): void;

  /** Reads at the handle's own position; 0 at the end. */
  read(handle: number, bytes: Uint8Array): number;
  readAt(handle: number, bytes: Uint8Array, offset: bigint): number;
  write(handle: number, bytes: Uint8Array): number;
  /** Writes at `offset` even where the handle appends. */
  writeAt(handle: number, bytes: Uint8Array, offset: bigint): number;
  seek(handle: number, offset: bigint, whence: Whence): bigint;
  resize(handle: number, size: bigint): void;
  /** Makes sure that the bytes have room on the disk; grows the file when they lie past its end. */
  allocate(handle: number, offset: bigint, length: bigint): void;
  sync(handle: number, dataOnly: boolean): void;
  /** Says whether every write goes to the end. */
  setAppend(handle: number, append: boolean): void;

  status(handle: number): FileStatus;
  identity(handle: number): FileIdentity;
  /** Whether it is the system's view into running processes, this one's memory and environment among them. */
  readonly isProcess?: (handle: number, identity: FileIdentity) => boolean;
  statusOf(folder: number, name: string): FileStatus;
  setTimes(handle: number, times: FileTimes): void;
  setTimesOf(folder: number, name: string, times: FileTimes): void;
  /**
   * Entries of a folder from `cookie` on (0n is the start), until `take` answers false. The handle must be open for
   * reading.
   */
  entries(handle: number, cookie: bigint, take: (entry: FolderEntry) => boolean): void;

  /** These change the folder itself. `name` may end in one slash, which then asks that it be a folder. */
  makeFolder(folder: number, name: string, mode: number): void;
  removeFolder(folder: number, name: string): void;
  unlink(folder: number, name: string): void;
  rename(folder: number, name: string, newFolder: number, newName: string): void;
  /** A second name for a file; of a link, for the link itself. */
  link(folder: number, name: string, newFolder: number, newName: string): void;
  symlink(target: string, folder: number, name: string): void;
  /** A link's text, as many bytes as `into` holds. `EINVAL` when it is no link. */
  readLink(folder: number, name: string, into: Uint8Array): number;
}

/** How a file is opened. The bits are ours; each kernel has its own numbers for them. */
export const How = {
  read: 1,
  write: 2,
  create: 4,
  exclusive: 8,
  append: 16,
  directory: 32,
  dataSync: 64,
  sync: 128,
  /** Only to name it: neither read nor written through this handle, which needs no right to either. */
  nameOnly: 256,
  /** Follow a link in the last place; for whole walks only. */
  follow: 512,
} as const;

export type Whence = "start" | "current" | "end";

export type FileKind =
  | "file"
  | "directory"
  | "link"
  | "block"
  | "character"
  | "fifo"
  | "socket"
  | "unknown";

/** Tells two files apart, whatever their names. */
export interface FileIdentity {
  readonly kind: FileKind;
  readonly device: bigint;
  readonly inode: bigint;
  /** When it was made, in milliseconds since 1970; 0 where the file system does not tell. An inode's number is used again. */
  readonly bornMs: number;
  /** Of a device: its numbers, as `major:minor`. */
  readonly special?: string;
  /** When the file was made, written, renamed or linked last, in milliseconds since 1970, if the system tells exactly. */
  readonly changedMs?: number;
}

export interface FileStatus extends FileIdentity {
  readonly links: bigint;
  readonly size: bigint;
  /** Nanoseconds since 1970, as the rest of the times. */
  readonly accessNs: bigint;
  readonly modifyNs: bigint;
  readonly changeNs: bigint;
}

/** New times in nanoseconds since 1970; `now` is the system's present, absent leaves it. */
export interface FileTimes {
  readonly access?: bigint | "now";
  readonly modify?: bigint | "now";
}

export interface FolderEntry {
  /** The name's bytes, which need not be UTF-8. Only valid until `take` returns. */
  readonly name: Uint8Array;
  readonly inode: bigint;
  /** `unknown` where the file system does not tell. */
  readonly kind: FileKind;
  /** Where the listing goes on after this one. */
  readonly next: bigint;
}
