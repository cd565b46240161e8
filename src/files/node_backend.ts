import type fs from "node:fs";
import type {
  FileBackend,
  FileIdentity,
  FileKind,
  FileStatus,
  FileTimes,
  Whence,
} from "./file_backend.ts";
import { FileError } from "./file_error.ts";
import { PROC_SUPER_MAGIC } from "./linux_constants.ts";

/** An open file or folder. */
export interface NodeHandle {
  /** The system's descriptor; a folder may have none. */
  readonly fd?: number;
  /** The path at which it was opened. */
  readonly path: string;
  readonly identity: FileIdentity;
  readonly append: boolean;
}

/** Opens files relative to an open folder, in the way of one operating system. */
export interface PathResolver {
  openRoot(path: string): NodeHandle;
  openStep(folder: NodeHandle, name: string, flags: number, mode: number): NodeHandle;
  /** Returns a path that leads to `name` in `folder`, checked as late as possible. */
  pathTo(folder: NodeHandle, name: string): string;
  /** Returns a path that leads to exactly that file. */
  pathOf(handle: NodeHandle): string;
}

/** A handle with the state that the system would keep for a descriptor. */
interface OpenHandle extends NodeHandle {
  append: boolean;
  position: bigint;
  /** The folder as it was when its listing began; an entry's cookie is its index. */
  listing?: readonly ListedEntry[];
}

interface ListedEntry {
  readonly name: string;
  readonly kind: FileKind;
}

type NodeFs = typeof import("node:fs");

let loaded: NodeFs | undefined;

/** Returns `node:fs`, loaded on first use: an import would slow every start. */
export function nodeFs(): NodeFs {
  const { process } = globalThis as unknown as {
    process: { getBuiltinModule(name: "node:fs"): NodeFs };
  };
  return loaded ??= process.getBuiltinModule("node:fs");
}

/**
 * Makes a backend on `node:fs`, for systems whose C library cannot be called. `node:fs` cannot
 * seek, so positions are kept here; times have millisecond resolution, as in its functions.
 */
export function createNodeBackend(resolver: PathResolver): FileBackend {
  const handles = new Map<number, OpenHandle>();
  let last = 0;
  const keep = (handle: NodeHandle): number => {
    handles.set(++last, { ...handle, position: 0n });
    return last;
  };
  const get = (handle: number): OpenHandle => {
    const found = handles.get(handle);
    if (!found) throw new FileError("EBADF");
    return found;
  };
  const fdOf = (handle: number): number => {
    const { fd, identity } = get(handle);
    if (fd === undefined) throw new FileError(identity.kind === "directory" ? "EISDIR" : "EBADF");
    return fd;
  };
  const pathTo = (folder: number, name: string) => resolver.pathTo(get(folder), name);
  const stat = (handle: OpenHandle) =>
    handle.fd === undefined
      ? nodeFs().lstatSync(resolver.pathOf(handle), { bigint: true })
      : nodeFs().fstatSync(handle.fd, { bigint: true });
  const readAt = (fd: number, bytes: Uint8Array, offset: bigint): number =>
    nodeFs().readSync(fd, bytes, 0, bytes.length, toNumber(offset));
  const writeAt = (fd: number, bytes: Uint8Array, offset: bigint): number =>
    nodeFs().writeSync(fd, bytes, 0, bytes.length, toNumber(offset));

  return {
    openRoot: (path) => attempt(() => keep(resolver.openRoot(path))),
    identityAt: (path) => attempt(() => identityFrom(nodeFs().statSync(path, { bigint: true }))),
    openStep: (folder, name, flags, mode) =>
      attempt(() => keep(resolver.openStep(get(folder), name, flags, mode))),
    close: (handle) =>
      attempt(() => {
        const { fd } = get(handle);
        handles.delete(handle);
        if (fd !== undefined) nodeFs().closeSync(fd);
      }),

    read: (handle, bytes) =>
      attempt(() => {
        const open = get(handle);
        const length = readAt(fdOf(handle), bytes, open.position);
        open.position += BigInt(length);
        return length;
      }),
    readAt: (handle, bytes, offset) => attempt(() => readAt(fdOf(handle), bytes, offset)),
    write: (handle, bytes) =>
      attempt(() => {
        const open = get(handle);
        const fd = fdOf(handle);
        if (open.append) open.position = nodeFs().fstatSync(fd, { bigint: true }).size;
        const length = writeAt(fd, bytes, open.position);
        open.position += BigInt(length);
        return length;
      }),
    writeAt: (handle, bytes, offset) => attempt(() => writeAt(fdOf(handle), bytes, offset)),
    seek: (handle, offset, whence) =>
      attempt(() => {
        const open = get(handle);
        const position = startOf(open, fdOf(handle), whence) + offset;
        if (position < 0n) throw new FileError("EINVAL");
        return open.position = position;
      }),
    resize: (handle, size) => attempt(() => nodeFs().ftruncateSync(fdOf(handle), toNumber(size))),
    allocate: (handle, offset, length) =>
      attempt(() => {
        const fd = fdOf(handle);
        const end = offset + length;
        if (nodeFs().fstatSync(fd, { bigint: true }).size >= end) return;
        nodeFs().ftruncateSync(fd, toNumber(end));
      }),
    sync: (handle, dataOnly) =>
      attempt(() => {
        const { fd } = get(handle);
        if (fd === undefined) return;
        if (dataOnly) nodeFs().fdatasyncSync(fd);
        else nodeFs().fsyncSync(fd);
      }),
    setAppend(handle, append) {
      get(handle).append = append;
    },

    status: (handle) => attempt(() => statusFrom(stat(get(handle)))),
    identity: (handle) => get(handle).identity,
    isProcess: (handle) =>
      Deno.build.os === "linux" &&
      attempt(() => nodeFs().statfsSync(resolver.pathOf(get(handle))).type === PROC_SUPER_MAGIC),
    statusOf: (folder, name) =>
      attempt(() => statusFrom(nodeFs().lstatSync(pathTo(folder, name), { bigint: true }))),
    setTimes: (handle, times) =>
      attempt(() => {
        const open = get(handle);
        const [access, modify] = timesIn(times, stat(open));
        nodeFs().utimesSync(resolver.pathOf(open), access, modify);
      }),
    setTimesOf: (folder, name, times) =>
      attempt(() => {
        const path = pathTo(folder, name);
        const [access, modify] = timesIn(times, nodeFs().lstatSync(path, { bigint: true }));
        nodeFs().lutimesSync(path, access, modify);
      }),
    entries(handle, cookie, take) {
      const open = get(handle);
      if (open.identity.kind !== "directory") throw new FileError("ENOTDIR");
      const path = attempt(() => resolver.pathOf(open));
      if (cookie === 0n || !open.listing) open.listing = attempt(() => list(path));
      for (let at = toNumber(cookie); at < open.listing.length; at++) {
        const entry = open.listing[at];
        if (!entry) return;
        const { name, kind } = entry;
        const inode = name === "." ? open.identity.inode : inodeOf(`${path}/${name}`);
        const bytes = new TextEncoder().encode(name);
        if (!take({ name: bytes, kind, inode, next: BigInt(at + 1) })) return;
      }
    },

    makeFolder: (folder, name, mode) =>
      attempt(() => void nodeFs().mkdirSync(pathTo(folder, name), { mode })),
    removeFolder: (folder, name) => attempt(() => nodeFs().rmdirSync(pathTo(folder, name))),
    unlink: (folder, name) =>
      attempt(() => {
        const path = pathTo(folder, name);
        // Deno's `unlinkSync` removes an empty folder, too.
        if (nodeFs().lstatSync(path).isDirectory()) throw new FileError("EISDIR");
        nodeFs().unlinkSync(path);
      }),
    rename: (folder, name, newFolder, newName) =>
      attempt(() => nodeFs().renameSync(pathTo(folder, name), pathTo(newFolder, newName))),
    link: (folder, name, newFolder, newName) =>
      attempt(() => nodeFs().linkSync(pathTo(folder, name), pathTo(newFolder, newName))),
    symlink: (target, folder, name) =>
      attempt(() => nodeFs().symlinkSync(target, pathTo(folder, name))),
    readLink: (folder, name, into) =>
      attempt(() => {
        const text = new TextEncoder().encode(nodeFs().readlinkSync(pathTo(folder, name)));
        into.set(text.subarray(0, into.length));
        return Math.min(text.length, into.length);
      }),
  };
}

/** Returns an offset or a size as `node:fs` takes it. */
function toNumber(offset: bigint): number {
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new FileError("EFBIG");
  return Number(offset);
}

/** Calls `call` and turns the system's errors into `FileError`s. */
function attempt<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw fileErrorOf(error);
  }
}

/** Maps an error of `node:fs` to a `FileError`; an error without a code is a bug and stays. */
function fileErrorOf(error: unknown): unknown {
  if (error instanceof FileError || !(error instanceof Error) || !("code" in error)) return error;
  const code = String(error.code);
  if (!/^E[A-Z0-9]+$/.test(code)) return error;
  return new FileError(code === "EOPNOTSUPP" ? "ENOTSUP" : code, undefined, { cause: error });
}

function startOf(open: OpenHandle, fd: number, whence: Whence): bigint {
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

/** Returns the identity in the metadata of `node:fs`. */
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

/** Returns both times in seconds, as `utimes` takes them; a time to leave is its present value. */
function timesIn(times: FileTimes, stats: fs.BigIntStats): [number, number] {
  const seconds = (time: bigint | "now" | undefined, present: bigint) =>
    time === "now" ? Date.now() / 1000 : Number(time ?? present) / 1e9;
  return [seconds(times.access, stats.atimeNs), seconds(times.modify, stats.mtimeNs)];
}

function list(path: string): ListedEntry[] {
  const entries = nodeFs().readdirSync(path, { withFileTypes: true });
  return [
    { name: ".", kind: "directory" },
    { name: "..", kind: "directory" },
    ...entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) })),
  ];
}

function inodeOf(path: string): bigint {
  try {
    return nodeFs().lstatSync(path, { bigint: true }).ino;
  } catch {
    return 0n; // Removed meanwhile.
  }
}
