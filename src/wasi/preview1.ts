import type { FileKind } from "../files/kernel.ts";

/**
 * The numbers of `wasi_snapshot_preview1`: error numbers, rights, flags, file types. Their order and values are those
 * of the interface's own description.
 *
 * @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/witx/typenames.witx
 */

const errnoNames = [
  ...[
    "SUCCESS",
    "E2BIG",
    "EACCES",
    "EADDRINUSE",
    "EADDRNOTAVAIL",
    "EAFNOSUPPORT",
    "EAGAIN",
    "EALREADY",
    "EBADF",
  ],
  ...["EBADMSG", "EBUSY", "ECANCELED", "ECHILD", "ECONNABORTED", "ECONNREFUSED", "ECONNRESET", "EDEADLK"],
  ...["EDESTADDRREQ", "EDOM", "EDQUOT", "EEXIST", "EFAULT", "EFBIG", "EHOSTUNREACH", "EIDRM", "EILSEQ"],
  ...["EINPROGRESS", "EINTR", "EINVAL", "EIO", "EISCONN", "EISDIR", "ELOOP", "EMFILE", "EMLINK", "EMSGSIZE"],
  ...[
    "EMULTIHOP",
    "ENAMETOOLONG",
    "ENETDOWN",
    "ENETRESET",
    "ENETUNREACH",
    "ENFILE",
    "ENOBUFS",
    "ENODEV",
    "ENOENT",
  ],
  ...[
    "ENOEXEC",
    "ENOLCK",
    "ENOLINK",
    "ENOMEM",
    "ENOMSG",
    "ENOPROTOOPT",
    "ENOSPC",
    "ENOSYS",
    "ENOTCONN",
    "ENOTDIR",
  ],
  ...[
    "ENOTEMPTY",
    "ENOTRECOVERABLE",
    "ENOTSOCK",
    "ENOTSUP",
    "ENOTTY",
    "ENXIO",
    "EOVERFLOW",
    "EOWNERDEAD",
    "EPERM",
  ],
  ...["EPIPE", "EPROTO", "EPROTONOSUPPORT", "EPROTOTYPE", "ERANGE", "EROFS", "ESPIPE", "ESRCH", "ESTALE"],
  ...["ETIMEDOUT", "ETXTBSY", "EXDEV", "ENOTCAPABLE"],
] as const;

export type ErrnoName = (typeof errnoNames)[number];

/** The number that a guest gets for each error name. */
export const Errno: Readonly<Record<ErrnoName, number>> = Object.fromEntries(
  errnoNames.map((name, number) => [name, number]),
) as Record<ErrnoName, number>;

/** Thrown inside, turned into the returned number at the border. One object a number and no stack: it is no bug. */
export class Refusal {
  constructor(readonly errno: number) {}
}

const refusals = errnoNames.map((_, errno) => new Refusal(errno));

/** Ends the present call with that error number. */
export function refuse(name: ErrnoName): never {
  throw refusals[Errno[name]];
}

const rightNames = [
  ...[
    "fdDatasync",
    "fdRead",
    "fdSeek",
    "fdFdstatSetFlags",
    "fdSync",
    "fdTell",
    "fdWrite",
    "fdAdvise",
    "fdAllocate",
  ],
  ...["pathCreateDirectory", "pathCreateFile", "pathLinkSource", "pathLinkTarget", "pathOpen", "fdReaddir"],
  ...["pathReadlink", "pathRenameSource", "pathRenameTarget", "pathFilestatGet", "pathFilestatSetSize"],
  ...["pathFilestatSetTimes", "fdFilestatGet", "fdFilestatSetSize", "fdFilestatSetTimes", "pathSymlink"],
  ...["pathRemoveDirectory", "pathUnlinkFile", "pollFdReadwrite", "sockShutdown", "sockAccept"],
] as const;

/** What a descriptor may be used for. There are 30 rights, so that a plain number holds a set of them. */
export const Right: Readonly<Record<(typeof rightNames)[number], number>> = Object.fromEntries(
  rightNames.map((name, bit) => [name, 1 << bit]),
) as Record<(typeof rightNames)[number], number>;

export const allRights = 2 ** rightNames.length - 1;

const sharedRights = Right.fdFdstatSetFlags | Right.fdSync | Right.fdDatasync | Right.fdAdvise |
  Right.fdFilestatGet | Right.fdFilestatSetTimes | Right.pollFdReadwrite;

/** What can be done with an open file. */
export const fileRights = sharedRights | Right.fdRead | Right.fdSeek | Right.fdTell | Right.fdWrite |
  Right.fdAllocate | Right.fdFilestatSetSize;

/** What can be done with an open folder: everything with paths, nothing that reads or writes bytes. */
export const directoryRights = sharedRights | Right.fdReaddir | Right.pathCreateDirectory |
  Right.pathCreateFile |
  Right.pathLinkSource | Right.pathLinkTarget | Right.pathOpen | Right.pathReadlink | Right.pathRenameSource |
  Right.pathRenameTarget | Right.pathFilestatGet | Right.pathFilestatSetSize | Right.pathFilestatSetTimes |
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
