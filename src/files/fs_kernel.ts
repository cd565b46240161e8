import type fs from "node:fs";
import { FileError } from "./file_error.ts";
import {
  type FileIdentity,
  type FileKind,
  type FileStatus,
  type FileTimes,
  type FolderEntry,
  type Kernel,
  type Whence,
} from "./kernel.ts";
import { nodeFs } from "./node_fs.ts";

/** An open file or folder. */
export interface FsHandle {
  /** The system's descriptor; a folder may have none. */
  readonly fd?: number;
  /** Where it was when it was opened. */
  readonly path: string;
  readonly identity: FileIdentity;
  readonly append: boolean;
}

/** What differs between the systems that are reached through `node:fs` alone. */
export interface Ways {
  openRoot(path: string): FsHandle;
  openStep(folder: FsHandle, name: string, how: number, mode: number): FsHandle;
  /** A path that leads to that name in that folder; a last check that it still does. */
  pathTo(folder: FsHandle, name: string): string;
  /** A path that leads to that very file. */
  pathOf(handle: FsHandle): string;
}

/** @see statfs(2) */
const PROC_SUPER_MAGIC = 0x9fa0;

/** A handle with what the system keeps for a descriptor elsewhere. */
interface Open extends FsHandle {
  append: boolean;
  position: bigint;
  listing?: readonly FolderEntry[];
}

/**
 * Files through `node:fs`, where no C library can be called. Positions are kept here, since `node:fs` cannot seek;
 * times carry milliseconds, as its functions do.
 */
export function createFsKernel(ways: Ways): Kernel {
  const handles = new Map<number, Open>();
  let last = 0;
  const keep = (handle: FsHandle): number => {
    handles.set(++last, { ...handle, position: 0n });
    return last;
  };
  const get = (handle: number): Open => {
    const found = handles.get(handle);
    if (!found) throw new FileError("EBADF");
    return found;
  };
  const fdOf = (handle: number): number => {
    const { fd, identity } = get(handle);
    if (fd === undefined) throw new FileError(identity.kind === "directory" ? "EISDIR" : "EBADF");
    return fd;
  };
  const pathTo = (folder: number, name: string) => ways.pathTo(get(folder), name);
  const stat = (handle: Open) =>
    handle.fd === undefined
      ? nodeFs().lstatSync(ways.pathOf(handle), { bigint: true })
      : nodeFs().fstatSync(handle.fd, { bigint: true });

  const kernel: Kernel = {
    openRoot: (path) => keep(ways.openRoot(path)),
    identityAt: (path) => identityFrom(nodeFs().statSync(path, { bigint: true })),
    openStep: (folder, name, how, mode) => keep(ways.openStep(get(folder), name, how, mode)),
    close(handle) {
      const { fd } = get(handle);
      handles.delete(handle);
      if (fd !== undefined) nodeFs().closeSync(fd);
    },

    read(handle, bytes) {
      const open = get(handle);
      const length = nodeFs().readSync(
        fdOf(handle),
        bytes,
        0,
        bytes.length,
        placeOf(open.position),
      );
      open.position += BigInt(length);
      return length;
    },
    readAt: (handle, bytes, offset) =>
      nodeFs().readSync(fdOf(handle), bytes, 0, bytes.length, placeOf(offset)),
    write(handle, bytes) {
      const open = get(handle);
      const fd = fdOf(handle);
      if (open.append) open.position = nodeFs().fstatSync(fd, { bigint: true }).size;
      const length = nodeFs().writeSync(fd, bytes, 0, bytes.length, placeOf(open.position));
      open.position += BigInt(length);
      return length;
    },
    writeAt: (handle, bytes, offset) =>
      nodeFs().writeSync(fdOf(handle), bytes, 0, bytes.length, placeOf(offset)),
    seek(handle, offset, whence) {
      const open = get(handle);
      const position = startOf(open, fdOf(handle), whence) + offset;
      if (position < 0n) throw new FileError("EINVAL");
      return open.position = position;
    },
    resize: (handle, size) => nodeFs().ftruncateSync(fdOf(handle), placeOf(size)),
    allocate(handle, offset, length) {
      const fd = fdOf(handle);
      const end = offset + length;
      if (nodeFs().fstatSync(fd, { bigint: true }).size < end) {
        nodeFs().ftruncateSync(fd, placeOf(end));
      }
    },
    sync(handle, dataOnly) {
      const { fd } = get(handle);
      if (fd === undefined) return;
      if (dataOnly) nodeFs().fdatasyncSync(fd);
      else nodeFs().fsyncSync(fd);
    },
    setAppend(handle, append) {
      get(handle).append = append;
    },

    status: (handle) => statusFrom(stat(get(handle))),
    identity: (handle) => get(handle).identity,
    isProcess: (handle) =>
      Deno.build.os === "linux" &&
      nodeFs().statfsSync(ways.pathOf(get(handle))).type === PROC_SUPER_MAGIC,
    statusOf: (folder, name) =>
      statusFrom(nodeFs().lstatSync(pathTo(folder, name), { bigint: true })),
    setTimes(handle, times) {
      const open = get(handle);
      const [access, modify] = timesIn(times, stat(open));
      nodeFs().utimesSync(ways.pathOf(open), access, modify);
    },
    setTimesOf(folder, name, times) {
      const path = pathTo(folder, name);
      const [access, modify] = timesIn(times, nodeFs().lstatSync(path, { bigint: true }));
      nodeFs().lutimesSync(path, access, modify);
    },
    entries(handle, cookie, take) {
      const open = get(handle);
      if (open.identity.kind !== "directory") throw new FileError("ENOTDIR");
      if (cookie === 0n || !open.listing) open.listing = list(ways.pathOf(open), open.identity);
      for (const entry of open.listing.slice(Number(cookie))) if (!take(entry)) return;
    },

    makeFolder: (folder, name, mode) => void nodeFs().mkdirSync(pathTo(folder, name), { mode }),
    removeFolder: (folder, name) => nodeFs().rmdirSync(pathTo(folder, name)),
    unlink(folder, name) {
      const path = pathTo(folder, name);
      // Deno's `unlinkSync` removes an empty folder, too.
      if (nodeFs().lstatSync(path).isDirectory()) throw new FileError("EISDIR");
      nodeFs().unlinkSync(path);
    },
    rename: (folder, name, newFolder, newName) =>
      nodeFs().renameSync(pathTo(folder, name), pathTo(newFolder, newName)),
    link: (folder, name, newFolder, newName) =>
      nodeFs().linkSync(pathTo(folder, name), pathTo(newFolder, newName)),
    symlink: (target, folder, name) => nodeFs().symlinkSync(target, pathTo(folder, name)),
    readLink(folder, name, into) {
      const text = new TextEncoder().encode(nodeFs().readlinkSync(pathTo(folder, name)));
      into.set(text.subarray(0, into.length));
      return Math.min(text.length, into.length);
    },
  };
  return withFileErrors(kernel);
}

/** A place or a size as `node:fs` takes it. */
function placeOf(offset: bigint): number {
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new FileError("EFBIG");
  return Number(offset);
}

/** The same methods, whose errors are `FileError`s. */
function withFileErrors(kernel: Kernel): Kernel {
  const wrapped = Object.entries(kernel).map(([name, method]) => [
    name,
    (...parameters: unknown[]) => {
      try {
        return (method as (...parameters: unknown[]) => unknown)(...parameters);
      } catch (error) {
        throw fileErrorOf(error);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as unknown as Kernel;
}

/** What `node:fs` throws, by its code; anything without one is a bug and stays as it is. */
export function fileErrorOf(error: unknown): unknown {
  if (error instanceof FileError || !(error instanceof Error) || !("code" in error)) return error;
  const code = String(error.code);
  if (!/^E[A-Z0-9]+$/.test(code)) return error;
  return new FileError(code === "EOPNOTSUPP" ? "ENOTSUP" : code, undefined, { cause: error });
}

function startOf(open: Open, fd: number, whence: Whence): bigint {
  if (whence === "start") return 0n;
  return whence === "current" ? open.position : nodeFs().fstatSync(fd, { bigint: true }).size;
}

const kinds: readonly [(stats: fs.BigIntStats | fs.Dirent) => boolean, FileKind][] = [
  [(stats) => stats.isFile(), "file"],
  [(stats) => stats.isDirectory(), "directory"],
  [(stats) => stats.isSymbolicLink(), "link"],
  [(stats) => stats.isFIFO(), "fifo"],
  [(stats) => stats.isSocket(), "socket"],
  [(stats) => stats.isCharacterDevice(), "character"],
  [(stats) => stats.isBlockDevice(), "block"],
];

function kindOf(stats: fs.BigIntStats | fs.Dirent): FileKind {
  return kinds.find(([is]) => is(stats))?.[1] ?? "unknown";
}

export function identityFrom(stats: fs.BigIntStats): FileIdentity {
  return {
    kind: kindOf(stats),
    device: stats.dev,
    inode: stats.ino,
    bornMs: Number(stats.birthtimeMs),
  };
}

function statusFrom(stats: fs.BigIntStats): FileStatus {
  return {
    ...identityFrom(stats),
    links: stats.nlink,
    size: stats.size,
    accessNs: stats.atimeNs,
    modifyNs: stats.mtimeNs,
    changeNs: stats.ctimeNs,
  };
}

/** Access and modification in seconds, as `utimes` takes them; what is not to change is set to what it is. */
function timesIn(times: FileTimes, stats: fs.BigIntStats): [number, number] {
  const seconds = (time: bigint | "now" | undefined, present: bigint) =>
    time === "now" ? Date.now() / 1000 : Number(time ?? present) / 1e9;
  return [seconds(times.access, stats.atimeNs), seconds(times.modify, stats.mtimeNs)];
}

function list(path: string, identity: FileIdentity): FolderEntry[] {
  const dots = [".", ".."].map((name) => ({ name, kind: "directory" as const }));
  const entries = nodeFs().readdirSync(path, { withFileTypes: true }).map((entry) => ({
    name: entry.name,
    kind: kindOf(entry),
  }));
  return [...dots, ...entries].map(({ name, kind }, index) => ({
    name: new TextEncoder().encode(name),
    kind,
    inode: name === "." ? identity.inode : inodeOf(`${path}/${name}`),
    next: BigInt(index + 1),
  }));
}

function inodeOf(path: string): bigint {
  try {
    return nodeFs().lstatSync(path, { bigint: true }).ino;
  } catch {
    return 0n; // Gone meanwhile.
  }
}
