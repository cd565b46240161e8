import { type FileBackend, type FileIdentity, OpenFlags } from "./file_backend.ts";
import { FileError } from "./file_error.ts";
import { createNodeBackend, identityFrom, nodeFs, type NodeHandle } from "./node_backend.ts";

/**
 * Makes the backend for systems that cannot open a file relative to an open folder: each step is
 * checked before and after it is taken. A link that lies in the way is always found. A race
 * remains: another process that swaps a folder for a link and back between two checks.
 */
export function createPathBackend(): FileBackend {
  const look = (path: string): FileIdentity =>
    identityFrom(nodeFs().lstatSync(path, { bigint: true }));

  /** Throws `ENOENT` if the folder was moved since it was opened. */
  const checkUnmoved = (folder: NodeHandle): void => {
    if (!isSame(look(folder.path), folder.identity)) throw new FileError("ENOENT");
  };

  const pathTo = (folder: NodeHandle, name: string): string => {
    checkUnmoved(folder);
    const plain = name.replace(/\/$/, "");
    if (plain === "." || plain === ".." || /[/\\]/.test(plain)) throw new FileError("EINVAL");
    const path = `${folder.path}/${plain}`;
    // Some systems follow a link with a slash behind it.
    if (plain !== name && kindAt(path) === "link") throw new FileError("ENOTDIR");
    return plain === name ? path : `${path}/`;
  };

  const kindAt = (path: string) => {
    try {
      return look(path).kind;
    } catch {
      return undefined;
    }
  };

  const openFile = (path: string, flags: number, mode: number): NodeHandle => {
    const kind = kindAt(path);
    if (kind !== undefined && flags & OpenFlags.exclusive) throw new FileError("EEXIST");
    if (kind === "link") throw new FileError("ELOOP");
    if (kind === "fifo" || kind === "socket" || kind === "character" || kind === "block") {
      throw new FileError("EACCES", "permission denied: neither a regular file nor a folder");
    }
    if (flags & OpenFlags.nameOnly) return { path, identity: look(path), append: false };
    const fd = nodeFs().openSync(path, nodeFlags(flags), mode);
    const identity = identityFrom(nodeFs().fstatSync(fd, { bigint: true }));
    if (!isSame(look(path), identity)) {
      nodeFs().closeSync(fd);
      throw new FileError("ELOOP");
    }
    return { fd, path, identity, append: (flags & OpenFlags.append) !== 0 };
  };

  return createNodeBackend({
    openRoot(path) {
      const real = nodeFs().realpathSync(path);
      const identity = look(real);
      if (identity.kind !== "directory") throw new FileError("ENOTDIR");
      return { path: real, identity, append: false };
    },
    openStep(folder, name, flags, mode) {
      checkUnmoved(folder);
      if (name === ".") {
        if (flags & OpenFlags.write) throw new FileError("EISDIR");
        return { path: folder.path, identity: folder.identity, append: false };
      }
      const path = `${folder.path}/${name}`;
      const kind = kindAt(path);
      if (kind === "directory") {
        if (flags & OpenFlags.exclusive) throw new FileError("EEXIST");
        if (flags & (OpenFlags.write | OpenFlags.create)) throw new FileError("EISDIR");
        return { path, identity: look(path), append: false };
      }
      if (flags & OpenFlags.directory) {
        throw new FileError(kind === undefined ? "ENOENT" : "ENOTDIR");
      }
      const opened = openFile(path, flags, mode);
      try {
        checkUnmoved(folder);
      } catch (error) {
        if (opened.fd !== undefined) nodeFs().closeSync(opened.fd);
        throw error;
      }
      return opened;
    },
    pathTo,
    pathOf(handle) {
      if (!isSame(look(handle.path), handle.identity)) throw new FileError("ENOENT");
      return handle.path;
    },
  });
}

function isSame(a: FileIdentity, b: FileIdentity): boolean {
  return a.device === b.device && a.inode === b.inode;
}

/** Maps `OpenFlags` to the system's own flags, which `node:fs` knows. */
function nodeFlags(flags: number): number {
  const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0 } =
    nodeFs().constants;
  let system = flags & OpenFlags.write ? flags & OpenFlags.read ? O_RDWR : O_WRONLY : O_RDONLY;
  system |= O_NOFOLLOW | O_NONBLOCK;
  if (flags & OpenFlags.create) system |= O_CREAT;
  if (flags & OpenFlags.exclusive) system |= O_EXCL;
  return system;
}
