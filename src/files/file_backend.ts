/**
 * The operating system's calls on files, with one implementation for each way to make them
 * (`system_backend.ts` chooses). A handle is an open file or folder. A `name` is one step of a
 * path: it contains no slash, and no method follows it when it is a symbolic link. Every method
 * throws `FileError`.
 */
export interface FileBackend {
  /** Opens a folder by a trusted path; links are followed. */
  openRoot(path: string): number;
  /** Returns the identity of the file at a trusted path; links are followed. */
  identityAt(path: string): FileIdentity;
  /** Opens `name` in `folder`; `ELOOP` or `ENOTDIR` when it is a link. `flags` are `OpenFlags`. */
  openStep(folder: number, name: string, flags: number, mode: number): number;
  /**
   * Opens `path` below `folder` in one system call that no link leaves; `EOUTSIDE` when the path
   * would. Absent where the system has no such call.
   */
  readonly openBeneath?: (folder: number, path: string, flags: number, mode: number) => number;
  close(handle: number): void;

  /** Reads at the handle's position and returns the number of bytes read, 0 at the end. */
  read(handle: number, bytes: Uint8Array): number;
  readAt(handle: number, bytes: Uint8Array, offset: bigint): number;
  write(handle: number, bytes: Uint8Array): number;
  /** Writes at `offset`, even where the handle appends. */
  writeAt(handle: number, bytes: Uint8Array, offset: bigint): number;
  /** Moves the handle's position and returns the new one. */
  seek(handle: number, offset: bigint, whence: Whence): bigint;
  resize(handle: number, size: bigint): void;
  /** Reserves disk space for a range; the file grows when the range ends past its end. */
  allocate(handle: number, offset: bigint, length: bigint): void;
  sync(handle: number, dataOnly: boolean): void;
  /** Sets whether every write goes to the end of the file. */
  setAppend(handle: number, append: boolean): void;

  status(handle: number): FileStatus;
  identity(handle: number): FileIdentity;
  /**
   * Reports whether a file is part of procfs' view of processes, which shows this process's memory
   * and environment.
   */
  readonly isProcess?: (handle: number, identity: FileIdentity) => boolean;
  statusOf(folder: number, name: string): FileStatus;
  setTimes(handle: number, times: FileTimes): void;
  setTimesOf(folder: number, name: string, times: FileTimes): void;
  /**
   * Lists a folder from `cookie` on (0n is the start) until `take` returns false. The handle must
   * be open for reading.
   */
  entries(handle: number, cookie: bigint, take: (entry: DirectoryEntry) => boolean): void;

  /** Methods that change a folder. A slash at the end of `name` requires that it is a folder. */
  makeFolder(folder: number, name: string, mode: number): void;
  removeFolder(folder: number, name: string): void;
  unlink(folder: number, name: string): void;
  rename(folder: number, name: string, newFolder: number, newName: string): void;
  /** Makes a hard link to a file, or to a symbolic link itself. */
  link(folder: number, name: string, newFolder: number, newName: string): void;
  symlink(target: string, folder: number, name: string): void;
  /**
   * Copies a symbolic link's text, cut where `into` ends, and returns its length. `EINVAL` when
   * `name` is not a link.
   */
  readLink(folder: number, name: string, into: Uint8Array): number;
}

/** Bits that say how a file is opened; each backend maps them to the system's own. */
export const OpenFlags = {
  read: 1,
  write: 2,
  create: 4,
  exclusive: 8,
  append: 16,
  directory: 32,
  dataSync: 64,
  sync: 128,
  /** Opens a reference only (`O_PATH`): no right to read or write is needed, and none is given. */
  nameOnly: 256,
  /** Follows a symbolic link in the last step; for whole paths only. */
  follow: 512,
} as const;

/** The origin of a seek. */
export type Whence = "start" | "current" | "end";

/** The kind of a file. */
export type FileKind =
  | "file"
  | "directory"
  | "link"
  | "block"
  | "character"
  | "fifo"
  | "socket"
  | "unknown";

/** Identifies a file, whatever its names. */
export interface FileIdentity {
  readonly kind: FileKind;
  readonly device: bigint;
  readonly inode: bigint;
  /**
   * Birth time in milliseconds since 1970, 0 where the file system has none. Inode numbers are
   * reused; together with the birth time they are not.
   */
  readonly bornMs: number;
  /** Device numbers of a device file, as `major:minor`. */
  readonly special?: string;
  /** Time of the last change of content or metadata, in milliseconds since 1970, where known. */
  readonly changedMs?: number;
}

/** Metadata of a file; times are nanoseconds since 1970. */
export interface FileStatus extends FileIdentity {
  readonly links: bigint;
  readonly size: bigint;
  readonly accessNs: bigint;
  readonly modifyNs: bigint;
  readonly changeNs: bigint;
}

/** New times in nanoseconds since 1970; `now` is the system's clock, undefined leaves a time. */
export interface FileTimes {
  readonly access?: bigint | "now";
  readonly modify?: bigint | "now";
}

/** An entry of a folder's listing. */
export interface DirectoryEntry {
  /** The bytes of the name, which need not be UTF-8. Valid until `take` returns. */
  readonly name: Uint8Array;
  readonly inode: bigint;
  /** `unknown` where the file system does not report it. */
  readonly kind: FileKind;
  /** Cookie of the next entry. */
  readonly next: bigint;
}
