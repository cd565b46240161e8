import type { FileKind } from "../files/file_backend.ts";

/*
 * Constants of `wasi_snapshot_preview1`, named and ordered as in its definition:
 * https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/witx/typenames.witx
 */

/** `errno`. */
export const Errno = {
  SUCCESS: 0,
  E2BIG: 1,
  EACCES: 2,
  EADDRINUSE: 3,
  EADDRNOTAVAIL: 4,
  EAFNOSUPPORT: 5,
  EAGAIN: 6,
  EALREADY: 7,
  EBADF: 8,
  EBADMSG: 9,
  EBUSY: 10,
  ECANCELED: 11,
  ECHILD: 12,
  ECONNABORTED: 13,
  ECONNREFUSED: 14,
  ECONNRESET: 15,
  EDEADLK: 16,
  EDESTADDRREQ: 17,
  EDOM: 18,
  EDQUOT: 19,
  EEXIST: 20,
  EFAULT: 21,
  EFBIG: 22,
  EHOSTUNREACH: 23,
  EIDRM: 24,
  EILSEQ: 25,
  EINPROGRESS: 26,
  EINTR: 27,
  EINVAL: 28,
  EIO: 29,
  EISCONN: 30,
  EISDIR: 31,
  ELOOP: 32,
  EMFILE: 33,
  EMLINK: 34,
  EMSGSIZE: 35,
  EMULTIHOP: 36,
  ENAMETOOLONG: 37,
  ENETDOWN: 38,
  ENETRESET: 39,
  ENETUNREACH: 40,
  ENFILE: 41,
  ENOBUFS: 42,
  ENODEV: 43,
  ENOENT: 44,
  ENOEXEC: 45,
  ENOLCK: 46,
  ENOLINK: 47,
  ENOMEM: 48,
  ENOMSG: 49,
  ENOPROTOOPT: 50,
  ENOSPC: 51,
  ENOSYS: 52,
  ENOTCONN: 53,
  ENOTDIR: 54,
  ENOTEMPTY: 55,
  ENOTRECOVERABLE: 56,
  ENOTSOCK: 57,
  ENOTSUP: 58,
  ENOTTY: 59,
  ENXIO: 60,
  EOVERFLOW: 61,
  EOWNERDEAD: 62,
  EPERM: 63,
  EPIPE: 64,
  EPROTO: 65,
  EPROTONOSUPPORT: 66,
  EPROTOTYPE: 67,
  ERANGE: 68,
  EROFS: 69,
  ESPIPE: 70,
  ESRCH: 71,
  ESTALE: 72,
  ETIMEDOUT: 73,
  ETXTBSY: 74,
  EXDEV: 75,
  ENOTCAPABLE: 76,
} as const;

/** The name of an error number. */
export type ErrnoName = keyof typeof Errno;

/**
 * Thrown inside a function and returned by it as an error number (`imports.ts`). One object per
 * number, without a stack.
 */
export class WasiError {
  constructor(readonly errno: number) {}
}

const wasiErrors: WasiError[] = [];

/** Ends the current call with the error number `name`. */
export function refuse(name: ErrnoName): never {
  const errno = Errno[name];
  throw wasiErrors[errno] ??= new WasiError(errno);
}

/** `rights` of a descriptor. There are 30, so a number holds a set of them. */
export const Right = {
  fdDatasync: 1 << 0,
  fdRead: 1 << 1,
  fdSeek: 1 << 2,
  fdFdstatSetFlags: 1 << 3,
  fdSync: 1 << 4,
  fdTell: 1 << 5,
  fdWrite: 1 << 6,
  fdAdvise: 1 << 7,
  fdAllocate: 1 << 8,
  pathCreateDirectory: 1 << 9,
  pathCreateFile: 1 << 10,
  pathLinkSource: 1 << 11,
  pathLinkTarget: 1 << 12,
  pathOpen: 1 << 13,
  fdReaddir: 1 << 14,
  pathReadlink: 1 << 15,
  pathRenameSource: 1 << 16,
  pathRenameTarget: 1 << 17,
  pathFilestatGet: 1 << 18,
  pathFilestatSetSize: 1 << 19,
  pathFilestatSetTimes: 1 << 20,
  fdFilestatGet: 1 << 21,
  fdFilestatSetSize: 1 << 22,
  fdFilestatSetTimes: 1 << 23,
  pathSymlink: 1 << 24,
  pathRemoveDirectory: 1 << 25,
  pathUnlinkFile: 1 << 26,
  pollFdReadwrite: 1 << 27,
  sockShutdown: 1 << 28,
  sockAccept: 1 << 29,
} as const;

/** The set of all rights. */
export const allRights = 2 * Right.sockAccept - 1;

const sharedRights = Right.fdFdstatSetFlags | Right.fdSync | Right.fdDatasync | Right.fdAdvise |
  Right.fdFilestatGet | Right.fdFilestatSetTimes | Right.pollFdReadwrite;

/** Rights that an open file can have. */
export const fileRights = sharedRights | Right.fdRead | Right.fdSeek | Right.fdTell |
  Right.fdWrite |
  Right.fdAllocate | Right.fdFilestatSetSize;

/** Rights that an open directory can have: those on paths, none to read or write bytes. */
export const directoryRights = sharedRights | Right.fdReaddir | Right.pathCreateDirectory |
  Right.pathCreateFile |
  Right.pathLinkSource | Right.pathLinkTarget | Right.pathOpen | Right.pathReadlink |
  Right.pathRenameSource |
  Right.pathRenameTarget | Right.pathFilestatGet | Right.pathFilestatSetSize |
  Right.pathFilestatSetTimes |
  Right.pathSymlink | Right.pathRemoveDirectory | Right.pathUnlinkFile;

/**
 * Rights of a standard stream, beside reading or writing. Without the rights to seek and tell,
 * wasi-libc's `isatty` takes a character device for a terminal.
 */
export const streamRights = Right.fdFdstatSetFlags | Right.fdFilestatGet | Right.pollFdReadwrite;

/** `filetype`. */
export const FileType = {
  unknown: 0,
  blockDevice: 1,
  characterDevice: 2,
  directory: 3,
  regularFile: 4,
  socketDgram: 5,
  socketStream: 6,
  symbolicLink: 7,
} as const;

/** `fdflags`. */
export const Fdflags = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16, all: 31 } as const;

/** `oflags` of `path_open`. */
export const Oflags = { create: 1, directory: 2, exclusive: 4, truncate: 8, all: 15 } as const;

/** `fstflags`: the times to set. */
export const Fstflags = { atim: 1, atimNow: 2, mtim: 4, mtimNow: 8, all: 15 } as const;

/** `clockid`. */
export const ClockId = { realtime: 0, monotonic: 1, processCputime: 2, threadCputime: 3 } as const;

/** `eventtype` of a subscription and of its event. */
export const EventType = { clock: 0, fdRead: 1, fdWrite: 2 } as const;

/** `lookupflags`: follow a symbolic link in the last step of a path. */
export const symlinkFollow = 1;

/** Longest path in bytes, as in Linux (`PATH_MAX`). */
export const maxPathBytes = 4096;

/** Most open descriptors of one guest: each takes one of the launcher's own. */
export const maxDescriptors = 1024;

const fileTypes: Readonly<Record<FileKind, number>> = {
  file: FileType.regularFile,
  directory: FileType.directory,
  link: FileType.symbolicLink,
  block: FileType.blockDevice,
  character: FileType.characterDevice,
  socket: FileType.socketStream,
  fifo: FileType.unknown,
  unknown: FileType.unknown,
};

/** Returns the `filetype` of a file. */
export function fileTypeOf(kind: FileKind): number {
  return fileTypes[kind];
}
