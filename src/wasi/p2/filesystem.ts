import type { InputStream, OutputStream } from "./stream_types.ts";
import type { Value } from "../../component/abi/codec.ts";
import {
  type FileKind,
  type FileStatus,
  type FileTimes,
  OpenFlags,
} from "../../files/file_backend.ts";
import { FileError } from "../../files/file_error.ts";
import type { Folder } from "../../files/folder.ts";
import { fromDatetime, toDatetime } from "./clocks.ts";
import { ready } from "./poll.ts";
import { err, ok, type P2Interface, type P2State } from "./state.ts";
import { IoError, StreamEnd } from "./stream_end.ts";

/** Bits of `descriptor-flags`. */
export const DescriptorFlags = {
  read: 1,
  write: 2,
  fileIntegritySync: 4,
  dataIntegritySync: 8,
  requestedWriteSync: 16,
  mutateDirectory: 32,
} as const;

/** Bits of `open-flags`. */
const OpenAt = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const;

/** `path-flags::symlink-follow` */
const symlinkFollow = 1;

/** Most entries that are listed before a guest reads them. */
const maxEntries = 1_000_000;
const entriesPerCheck = 1024;
/** Most bytes that one read returns. */
const maxRead = 1 << 24;
/** Longest path in UTF-16 code units, and longest text of a link in bytes. */
const maxPath = 65_536;

/** The resource `descriptor`: an open file, or a folder below a preopened one. */
export class DescriptorResource {
  readonly kind: "file" | "directory";
  readonly folder: Folder;
  readonly fileKind: FileKind;
  /** The set of `DescriptorFlags` that it was opened with. */
  readonly flags: number;
  /** True for a folder whose entries may be changed. */
  readonly isMutable: boolean;
  /** The preopened folder that this one lies in; renames and links stay inside one. */
  readonly root: object;
  readonly #handle: number;
  readonly #pending: Set<() => void> | undefined;
  /** The descriptor and its streams that are not closed. */
  readonly #users = new Set<object>([this]);
  /** Closes the handle, whose number the system may reuse. */
  readonly #end = () => {
    this.#users.clear();
    if (this.#pending?.delete(this.#end)) this.folder.backend.close(this.#handle);
  };

  /**
   * @param pending functions that are called when the call ends; undefined for a preopened folder,
   * which stays open for the next call.
   */
  constructor(
    parts: Pick<
      DescriptorResource,
      "kind" | "folder" | "handle" | "fileKind" | "flags" | "isMutable" | "root"
    >,
    pending?: Set<() => void>,
  ) {
    this.kind = parts.kind;
    this.folder = parts.folder;
    this.#handle = parts.handle;
    this.fileKind = parts.fileKind;
    this.flags = parts.flags;
    this.isMutable = parts.isMutable;
    this.root = parts.root;
    this.#pending = pending;
    pending?.add(this.#end);
  }

  /** The handle of the system. @throws FileError `EBADF` if it is closed. */
  get handle(): number {
    return this.#users.size > 0 ? this.#handle : refuse("EBADF");
  }

  /** Keeps the handle open until a stream is released, too. */
  retain(stream: object): void {
    this.#users.add(stream);
  }

  /** Releases a stream, or the descriptor itself. The handle is closed with the last of them. */
  release(user: object): void {
    if (this.#users.delete(user) && this.#users.size === 0) this.#end();
  }
}

/** A preopened folder, opened on first use. */
export interface P2Preopen {
  readonly guest: string;
  readonly folder: () => Folder;
}

const errorCodes: Readonly<Record<string, string>> = {
  EACCES: "access",
  EAGAIN: "would-block",
  EALREADY: "already",
  EBADF: "bad-descriptor",
  EBUSY: "busy",
  EDEADLK: "deadlock",
  EDQUOT: "quota",
  EEXIST: "exist",
  EFBIG: "file-too-large",
  EILSEQ: "illegal-byte-sequence",
  EINPROGRESS: "in-progress",
  EINTR: "interrupted",
  EINVAL: "invalid",
  EIO: "io",
  EISDIR: "is-directory",
  ELOOP: "loop",
  EMFILE: "insufficient-memory",
  EMLINK: "too-many-links",
  EMSGSIZE: "message-size",
  ENAMETOOLONG: "name-too-long",
  ENFILE: "insufficient-memory",
  ENODEV: "no-device",
  ENOENT: "no-entry",
  ENOLCK: "no-lock",
  ENOMEM: "insufficient-memory",
  ENOSPC: "insufficient-space",
  ENOTDIR: "not-directory",
  ENOTEMPTY: "not-empty",
  ENOTRECOVERABLE: "not-recoverable",
  ENOTSUP: "unsupported",
  ENOTTY: "no-tty",
  ENXIO: "no-such-device",
  EOUTSIDE: "not-permitted",
  EOVERFLOW: "overflow",
  EPERM: "not-permitted",
  EPIPE: "pipe",
  EROFS: "read-only",
  ESPIPE: "invalid-seek",
  ETXTBSY: "text-file-busy",
  EXDEV: "cross-device",
};

/** The `descriptor-type` of each kind of file. */
export const descriptorTypes: Readonly<Record<FileKind, string>> = {
  file: "regular-file",
  directory: "directory",
  link: "symbolic-link",
  block: "block-device",
  character: "character-device",
  fifo: "fifo",
  socket: "socket",
  unknown: "unknown",
};

/** Returns the label of the `error-code` of an error. */
export function errorCodeOf({ code }: FileError): string {
  return errorCodes[code] ?? "io";
}

/** Values of `wasi:filesystem` that differ between versions of WASI. */
export interface FileValues {
  /** Returns an `error-code` by its label. */
  error(label: string): Value;
  /** Returns a `descriptor-type`. */
  type(kind: FileKind): Value;
  /** Returns a time in nanoseconds since 1970, or undefined if it has no representation. */
  time(ns: bigint): Value;
}

/** The values of 0.2. */
const values02: FileValues = {
  error: (label) => label,
  type: (kind) => descriptorTypes[kind],
  time: (ns) => ns < 0n ? undefined : toDatetime(ns),
};

/** Returns a function that calls work, and returns its value or the error that it throws. */
export function attemptWith(values: FileValues): (work: () => Value | void) => Value {
  return (work) => {
    try {
      return ok(work() ?? undefined);
    } catch (error) {
      if (error instanceof FileError) return err(values.error(errorCodeOf(error)));
      throw error;
    }
  };
}

function refuse(code: string): never {
  throw new FileError(code);
}

function checkPath(path: string): string {
  if (path.length > maxPath) refuse("ENAMETOOLONG");
  if (path.includes("\0")) refuse("EINVAL");
  return path;
}

/** Returns the folder of a directory. @throws FileError `ENOTDIR`. */
export function directory(self: DescriptorResource): Folder {
  return self.kind === "directory" ? self.folder : refuse("ENOTDIR");
}

function mutable(self: DescriptorResource): Folder {
  const folder = directory(self);
  if (!self.isMutable) refuse("EROFS");
  return folder;
}

/** Returns the descriptor if it is a file with this right. @throws FileError `EISDIR`, `EBADF`. */
export function file(self: DescriptorResource, right: number): DescriptorResource {
  if (self.kind === "directory") refuse("EISDIR");
  if (!(self.flags & right)) refuse("EBADF");
  return self;
}

/** Checks an offset or a size. @throws FileError `EINVAL` if it is not below 2^63. */
export function offsetOf(offset: bigint): bigint {
  if (offset >= 1n << 63n) refuse("EINVAL");
  return offset;
}

type NewTimestamp =
  | { readonly tag: "no-change" }
  | { readonly tag: "now" }
  | { readonly tag: "timestamp"; readonly value: { seconds: bigint; nanoseconds: number } };

function newTime(time: NewTimestamp): bigint | "now" | undefined {
  if (time.tag === "timestamp") return fromDatetime(time.value);
  return time.tag === "now" ? "now" : undefined;
}

function newTimes(access: NewTimestamp, modify: NewTimestamp): FileTimes {
  return { access: newTime(access), modify: newTime(modify) };
}

function statOf(status: FileStatus, { type, time }: FileValues): Value {
  return {
    "type": type(status.kind),
    "link-count": status.links,
    "size": status.size,
    "data-access-timestamp": time(status.accessNs),
    "data-modification-timestamp": time(status.modifyNs),
    "status-change-timestamp": time(status.changeNs),
  };
}

/** Returns a hash of the metadata that changes with a file's content. */
function hashOf(status: FileStatus): Value {
  const mix = (a: bigint, b: bigint) => BigInt.asUintN(64, a * 0x9e3779b97f4a7c15n ^ b);
  const identity = mix(status.device, status.inode);
  return { lower: identity, upper: mix(mix(identity, status.size), status.modifyNs) };
}

/** Returns the functions of `wasi:filesystem/types` that all versions have. */
export function descriptorFunctions(
  state: P2State,
  values: FileValues,
): P2Interface["functions"] {
  const attempt = attemptWith(values);
  const change = (work: () => Value | void) => {
    state.beforeSideEffect();
    return attempt(work);
  };
  const { write } = DescriptorFlags;
  return {
    "[method]descriptor.advise": (self: DescriptorResource) =>
      attempt(() => self.kind === "directory" ? refuse("EBADF") : undefined),
    "[method]descriptor.sync-data": (self: DescriptorResource) =>
      change(() => self.folder.backend.sync(self.handle, true)),
    "[method]descriptor.get-flags": (self: DescriptorResource) => ok(self.flags),
    "[method]descriptor.get-type": (self: DescriptorResource) => ok(values.type(self.fileKind)),
    "[method]descriptor.set-size": (self: DescriptorResource, size: bigint) =>
      change(() => file(self, write).folder.backend.resize(self.handle, offsetOf(size))),
    "[method]descriptor.set-times": (
      self: DescriptorResource,
      access: NewTimestamp,
      modify: NewTimestamp,
    ) => change(() => self.folder.backend.setTimes(self.handle, newTimes(access, modify))),
    "[method]descriptor.sync": (self: DescriptorResource) =>
      change(() => self.folder.backend.sync(self.handle, false)),
    "[method]descriptor.create-directory-at": (self: DescriptorResource, path: string) =>
      change(() => mutable(self).makeFolder(checkPath(path))),
    "[method]descriptor.stat": (self: DescriptorResource) =>
      attempt(() => statOf(self.folder.backend.status(self.handle), values)),
    "[method]descriptor.stat-at": (self: DescriptorResource, flags: number, path: string) =>
      attempt(() =>
        statOf(directory(self).status(checkPath(path), flags === symlinkFollow), values)
      ),
    "[method]descriptor.set-times-at": (
      self: DescriptorResource,
      flags: number,
      path: string,
      access: NewTimestamp,
      modify: NewTimestamp,
    ) =>
      change(() =>
        mutable(self).setTimes(checkPath(path), newTimes(access, modify), flags === symlinkFollow)
      ),
    "[method]descriptor.link-at": (
      self: DescriptorResource,
      flags: number,
      path: string,
      newDirectory: DescriptorResource,
      newPath: string,
    ) =>
      change(() => {
        if (flags === symlinkFollow) refuse("EINVAL");
        const [from, to] = sameRoot(self, newDirectory);
        from.link(checkPath(path), to, checkPath(newPath));
      }),
    "[method]descriptor.open-at": (
      self: DescriptorResource,
      pathFlags: number,
      path: string,
      openFlags: number,
      flags: number,
    ) => attempt(() => openAt(state, self, { pathFlags, path, openFlags, flags })),
    "[method]descriptor.readlink-at": (self: DescriptorResource, path: string) =>
      attempt(() => {
        const into = new Uint8Array(maxPath);
        const length = directory(self).readLink(checkPath(path), into);
        return new TextDecoder().decode(into.subarray(0, length));
      }),
    "[method]descriptor.remove-directory-at": (self: DescriptorResource, path: string) =>
      change(() => removeFolder(mutable(self), checkPath(path))),
    "[method]descriptor.rename-at": (
      self: DescriptorResource,
      path: string,
      newDirectory: DescriptorResource,
      newPath: string,
    ) =>
      change(() => {
        const [from, to] = sameRoot(self, newDirectory);
        from.rename(checkPath(path), to, checkPath(newPath));
      }),
    "[method]descriptor.symlink-at": (self: DescriptorResource, target: string, path: string) =>
      change(() => mutable(self).symlink(checkPath(target), checkPath(path))),
    "[method]descriptor.unlink-file-at": (self: DescriptorResource, path: string) =>
      change(() => mutable(self).unlink(checkPath(path))),
    "[method]descriptor.is-same-object": (
      self: DescriptorResource,
      other: DescriptorResource,
    ) => {
      const one = self.folder.backend.identity(self.handle);
      const two = other.folder.backend.identity(other.handle);
      return one.device === two.device && one.inode === two.inode;
    },
    "[method]descriptor.metadata-hash": (self: DescriptorResource) =>
      attempt(() => hashOf(self.folder.backend.status(self.handle))),
    "[method]descriptor.metadata-hash-at": (
      self: DescriptorResource,
      flags: number,
      path: string,
    ) => attempt(() => hashOf(directory(self).status(checkPath(path), flags === symlinkFollow))),
  };
}

/** `wasi:filesystem/types` */
export function filesystemInterface(state: P2State): P2Interface {
  const attempt = attemptWith(values02);
  const { read, write } = DescriptorFlags;
  return {
    functions: {
      ...descriptorFunctions(state, values02),
      "[method]descriptor.read-via-stream": (self: DescriptorResource, offset: bigint) =>
        attempt(() => new FileInput(file(self, read), offsetOf(offset))),
      "[method]descriptor.write-via-stream": (self: DescriptorResource, offset: bigint) =>
        attempt(() => new FileOutput(state, file(self, write), offsetOf(offset))),
      "[method]descriptor.append-via-stream": (self: DescriptorResource) =>
        attempt(() => new FileOutput(state, file(self, write), "end")),
      "[method]descriptor.read": (self: DescriptorResource, length: bigint, offset: bigint) =>
        attempt(() => {
          const { folder, handle } = file(self, read);
          const bytes = new Uint8Array(Number(length < BigInt(maxRead) ? length : BigInt(maxRead)));
          const count = folder.backend.readAt(handle, bytes, offsetOf(offset));
          return [bytes.subarray(0, count), count === 0 && length > 0n];
        }),
      "[method]descriptor.write": (self: DescriptorResource, buffer: Uint8Array, offset: bigint) =>
        attempt(() => {
          state.beforeSideEffect();
          const { folder, handle } = file(self, write);
          return BigInt(folder.backend.writeAt(handle, buffer, offsetOf(offset)));
        }),
      "[method]descriptor.read-directory": (self: DescriptorResource) =>
        attempt(() => listDirectory(state, directory(self), values02)),
      "[method]directory-entry-stream.read-directory-entry": (self: Value[]) => ok(self.shift()),
      // filesystem-error-code: func(err: borrow<error>) -> option<error-code>
      "filesystem-error-code": ({ cause }: IoError) =>
        cause instanceof FileError ? errorCodeOf(cause) : undefined,
    },
    drops: { descriptor: (rep: DescriptorResource) => rep.release(rep) },
  };
}

/** Removes a folder. A link with a trailing slash is refused with the error for its target. */
function removeFolder(folder: Folder, path: string): void {
  try {
    folder.removeFolder(path);
  } catch (error) {
    const isLink = error instanceof FileError && error.code === "ENOTDIR" && path.endsWith("/");
    if (isLink) folder.status(path, true);
    throw error;
  }
}

function sameRoot(from: DescriptorResource, to: DescriptorResource): [Folder, Folder] {
  const folders: [Folder, Folder] = [mutable(from), mutable(to)];
  if (from.root !== to.root) refuse("EXDEV");
  return folders;
}

/** Lists a folder, without `.` and `..`. */
export function listDirectory(state: P2State, folder: Folder, { type }: FileValues): Value[] {
  const entries: Value[] = [];
  const decoder = new TextDecoder();
  folder.backend.entries(folder.handle, 0n, ({ name, kind }) => {
    if (entries.length % entriesPerCheck === 0) state.assertInTime();
    const text = decoder.decode(name);
    if (text === "." || text === "..") return true;
    const known = kind === "unknown" ? folder.status(text, false).kind : kind;
    entries.push({ type: type(known), name: text });
    return entries.length < maxEntries;
  });
  return entries;
}

function openAt(
  state: P2State,
  self: DescriptorResource,
  { pathFlags, path, openFlags, flags: asked }: {
    pathFlags: number;
    path: string;
    openFlags: number;
    flags: number;
  },
): DescriptorResource {
  const { create, exclusive, truncate } = OpenAt;
  const { read, write } = DescriptorFlags;
  // A file that is opened without an access flag can be read, and a created one can be written.
  const flags = (asked || read) | (openFlags & create ? write : 0);
  const writes = (flags & (DescriptorFlags.write | DescriptorFlags.mutateDirectory)) !== 0;
  if (openFlags & (create | truncate)) state.beforeSideEffect();
  const folder = directory(self);
  if (!self.isMutable && (writes || openFlags & (create | truncate))) refuse("EROFS");
  if (openFlags & OpenAt.directory && openFlags & (create | exclusive | truncate)) {
    refuse("EINVAL");
  }
  let system = 0;
  const asksWrite = (flags & DescriptorFlags.write) !== 0 || (openFlags & truncate) !== 0;
  if (asksWrite) system |= OpenFlags.write;
  if (flags & DescriptorFlags.read || !asksWrite) system |= OpenFlags.read;
  if (pathFlags === symlinkFollow) system |= OpenFlags.follow;
  if (openFlags & create) system |= OpenFlags.create;
  if (openFlags & exclusive) system |= OpenFlags.exclusive;
  if (openFlags & OpenAt.directory) system |= OpenFlags.directory;
  if (flags & DescriptorFlags.fileIntegritySync) system |= OpenFlags.sync;
  if (flags & DescriptorFlags.dataIntegritySync) system |= OpenFlags.dataSync;
  const opened = folder.open(checkPath(path), system, { truncate: (openFlags & truncate) !== 0 });
  const isDirectory = opened.identity.kind === "directory";
  return new DescriptorResource({
    kind: isDirectory ? "directory" : "file",
    folder: isDirectory ? folder.within(opened) : folder,
    handle: opened.handle,
    fileKind: opened.identity.kind,
    flags,
    // A folder inherits its parent's permission to change entries.
    isMutable: isDirectory && self.isMutable,
    root: self.root,
  }, state.pending);
}

/** An input stream over a file, at a position of its own. */
export class FileInput implements InputStream {
  readonly #file: DescriptorResource;
  #offset: bigint;

  constructor(file: DescriptorResource, offset: bigint) {
    this.#file = file;
    this.#offset = offset;
    file.retain(this);
  }

  isReady = ready.isReady;
  whenReady = ready.whenReady;

  read(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    const count = failStream(() =>
      this.#file.folder.backend.readAt(this.#file.handle, bytes, this.#offset)
    );
    if (count === 0 && length > 0) throw new StreamEnd();
    this.#offset += BigInt(count);
    return bytes.subarray(0, count);
  }

  close(): void {
    this.#file.release(this);
  }
}

/** An output stream to a file, at a position of its own or at the file's end. */
export class FileOutput implements OutputStream {
  readonly #state: P2State;
  readonly #file: DescriptorResource;
  #offset: bigint | "end";

  constructor(state: P2State, file: DescriptorResource, offset: bigint | "end") {
    this.#state = state;
    this.#file = file;
    this.#offset = offset;
    file.retain(this);
  }

  isReady = ready.isReady;
  whenReady = ready.whenReady;

  checkWrite(): number {
    return 1 << 20;
  }

  write(bytes: Uint8Array): void {
    this.#state.beforeSideEffect();
    const { folder: { backend } } = this.#file;
    failStream(() => {
      const { handle } = this.#file;
      for (let rest = bytes; rest.length > 0;) {
        const at: bigint = this.#offset === "end" ? backend.status(handle).size : this.#offset;
        const count = backend.writeAt(handle, rest, at);
        if (this.#offset !== "end") this.#offset += BigInt(count);
        rest = rest.subarray(count);
      }
    });
  }

  flush(): void {}

  close(): void {
    this.#file.release(this);
  }
}

function failStream<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof FileError) throw new StreamEnd(new IoError(error.message, error));
    throw error;
  }
}

/** `wasi:filesystem/preopens` */
export function preopensInterface(preopens: readonly P2Preopen[]): P2Interface {
  const flags = DescriptorFlags.read | DescriptorFlags.mutateDirectory;
  return {
    functions: {
      // get-directories: func() -> list<tuple<descriptor, string>>
      "get-directories": () =>
        preopens.map((preopen) => {
          const folder = preopen.folder();
          const descriptor = new DescriptorResource({
            kind: "directory",
            folder,
            handle: folder.handle,
            fileKind: "directory",
            flags,
            isMutable: true,
            root: preopen,
          });
          return [descriptor, preopen.guest];
        }),
    },
  };
}
