import { FileError } from "./file_error.ts";
import { createFsKernel, type FsHandle, identityFrom } from "./fs_kernel.ts";
import { type FileIdentity, How, type Kernel } from "./kernel.ts";
import { nodeFs } from "./node_fs.ts";

/**
 * Systems without anything better: each step is looked at before it is taken and after. A link that lies there is
 * always seen. What is not: another program that puts a link in a folder's place and takes it away again between two
 * looks, which takes it some luck.
 */
export function createByPathKernel(): Kernel {
  const look = (path: string): FileIdentity =>
    identityFrom(nodeFs().lstatSync(path, { bigint: true }));

  /** Refuses when the folder is no longer where it was opened. */
  const checkPlace = (folder: FsHandle): void => {
    if (!isSame(look(folder.path), folder.identity)) throw new FileError("ENOENT");
  };

  const pathTo = (folder: FsHandle, name: string): string => {
    checkPlace(folder);
    const plain = name.replace(/\/$/, "");
    if (plain === "." || plain === ".." || /[/\\]/.test(plain)) throw new FileError("EINVAL");
    const path = `${folder.path}/${plain}`;
    // Some systems follow a link with a slash behind it, so that it must not get there.
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

  const openFile = (path: string, how: number, mode: number): FsHandle => {
    const there = kindAt(path);
    if (there !== undefined && how & How.exclusive) throw new FileError("EEXIST");
    if (there === "link") throw new FileError("ELOOP");
    if (there === "fifo" || there === "socket" || there === "character" || there === "block") {
      throw new FileError("EACCES", "permission denied: neither a regular file nor a folder");
    }
    if (how & How.nameOnly) return { path, identity: look(path), append: false };
    const fd = nodeFs().openSync(path, flagsOf(how), mode);
    const identity = identityFrom(nodeFs().fstatSync(fd, { bigint: true }));
    if (!isSame(look(path), identity)) {
      nodeFs().closeSync(fd);
      throw new FileError("ELOOP");
    }
    return { fd, path, identity, append: (how & How.append) !== 0 };
  };

  return createFsKernel({
    openRoot(path) {
      const real = nodeFs().realpathSync(path);
      const identity = look(real);
      if (identity.kind !== "directory") throw new FileError("ENOTDIR");
      return { path: real, identity, append: false };
    },
    openStep(folder, name, how, mode) {
      checkPlace(folder);
      if (name === ".") {
        if (how & How.write) throw new FileError("EISDIR");
        return { path: folder.path, identity: folder.identity, append: false };
      }
      const path = `${folder.path}/${name}`;
      const there = kindAt(path);
      if (there === "directory") {
        if (how & How.exclusive) throw new FileError("EEXIST");
        if (how & (How.write | How.create)) throw new FileError("EISDIR");
        return { path, identity: look(path), append: false };
      }
      if (how & How.directory) throw new FileError(there === undefined ? "ENOENT" : "ENOTDIR");
      const opened = openFile(path, how, mode);
      try {
        checkPlace(folder);
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

/** `node:fs` has each system's own numbers. */
function flagsOf(how: number): number {
  const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0 } =
    nodeFs().constants;
  let flags = how & How.write ? how & How.read ? O_RDWR : O_WRONLY : O_RDONLY;
  flags |= O_NOFOLLOW | O_NONBLOCK;
  if (how & How.create) flags |= O_CREAT;
  if (how & How.exclusive) flags |= O_EXCL;
  return flags;
}
