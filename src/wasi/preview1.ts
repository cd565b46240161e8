import type { FileKind } from "../files/file_backend.ts";

/**
 * The numbers of `wasi_snapshot_preview1`: error numbers, rights, flags, file types. Their order and values are those
 * of the interface's own description.
 *
 * @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/witx/typenames.witx
 */

/** The number that a guest gets for each error name. */
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

export type ErrnoName = keyof typeof Errno;

/** Thrown inside, turned into the returned number at the border. One object a number and no stack: it is no bug. */
export class Refusal {
  constructor(readonly errno: number) {}
}

const refusals: Refusal[] = [];

/** Ends the present call with that error number. */
export function refuse(name: ErrnoName): never {
  const errno = Errno[name];
  throw refusals[errno] ??= new Refusal(errno);
}

/** What a descriptor may be used for. There are 30 rights, so that a plain number holds a set of them. */
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

/** All of them: the last one and what is below it. */
export const allRights = 2 * Right.sockAccept - 1;

const sharedRights = Right.fdFdstatSetFlags | Right.fdSync | Right.fdDatasync | Right.fdAdvise |
  Right.fdFilestatGet | Right.fdFilestatSetTimes | Right.pollFdReadwrite;

/** What can be done with an open file. */
export const fileRights = sharedRights | Right.fdRead | Right.fdSeek | Right.fdTell |
  Right.fdWrite |
  Right.fdAllocate | Right.fdFilestatSetSize;

/** What can be done with an open folder: everything with paths, nothing that reads or writes bytes. */
export const directoryRights = sharedRights | Right.fdReaddir | Right.pathCreateDirectory |
  Right.pathCreateFile |
  Right.pathLinkSource | Right.pathLinkTarget | Right.pathOpen | Right.pathReadlink |
  Right.pathRenameSource |
  Right.pathRenameTarget | Right.pathFilestatGet | Right.pathFilestatSetSize |
  Right.pathFilestatSetTimes |
  Right.pathSymlink | Right.pathRemoveDirectory | Right.pathUnlinkFile;

/**
 * What can be done with a standard stream. Without the rights to seek and tell, a C program takes a character device
 * for a terminal.
 */
export const streamRights = Right.fdFdstatSetFlags | Right.fdFilestatGet | Right.pollFdReadwrite;

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

/** `fdflags`: how a descriptor reads and writes. */
export const FdFlag = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16, all: 31 } as const;

/** `oflags`: how `path_open` opens. */
export const OpenFlag = { create: 1, directory: 2, exclusive: 4, truncate: 8, all: 15 } as const;

/** `fstflags`: which times to set, and to what. */
export const TimeFlag = { access: 1, accessNow: 2, modify: 4, modifyNow: 8, all: 15 } as const;

export const Clock = { realtime: 0, monotonic: 1, processCputime: 2, threadCputime: 3 } as const;

/** `eventtype` of a subscription and its event. */
export const EventType = { clock: 0, fdRead: 1, fdWrite: 2 } as const;

/** `lookupflags`: the one that follows a link in a path's last place. */
export const followLinks = 1;

/** Longest path, with POSIX's usual limit. */
export const maxPathBytes = 4096;

/** Open descriptors of one guest, at most: each one of them costs the launcher one of its own. */
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

/** `filetype` of what lies in a folder. */
export function fileTypeOf(kind: FileKind): number {
  return fileTypes[kind];
}
