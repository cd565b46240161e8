import { asciiText } from "../base/byte_string.ts";
import { OpenFlags } from "../files/file_backend.ts";
import type { GuestMemory } from "../wasm/memory.ts";
import type { ArgsAndEnvironment } from "./args.ts";
import type { DirectoryDescriptor } from "./descriptors.ts";
import { rightsFrom, timesFrom } from "./fd_state.ts";
import { type WasiLayouts, writeFilestat } from "./layouts.ts";
import {
  allRights,
  directoryRights,
  Fdflags,
  fileRights,
  maxPathBytes,
  Oflags,
  refuse,
  Right,
  symlinkFollow,
} from "./preview1.ts";
import type { WasiState } from "./state.ts";
import { checkRange } from "./wire.ts";

/** Hot path (bench: `files`): up to this length a loop over ASCII is faster than a decoder. */
const shortPathBytes = 32;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Makes the functions on paths. A path starts at a directory and stays in its preopened one. */
export function pathFunctions(
  state: WasiState,
  _called: ArgsAndEnvironment,
  { filestat }: WasiLayouts,
) {
  const { memory, descriptors } = state;

  const read = (path: number, path_len: number): string =>
    readPath(memory, path >>> 0, path_len >>> 0);

  /** Returns both directories. Throws `EXDEV` unless they lie in the same preopened one. */
  const bothDirectories = (
    old_fd: number,
    oldRight: number,
    new_fd: number,
    newRight: number,
  ): [DirectoryDescriptor, DirectoryDescriptor] => {
    const from = descriptors.directory(old_fd >>> 0, oldRight);
    const to = descriptors.directory(new_fd >>> 0, newRight);
    if (from.root !== to.root) refuse("EXDEV");
    return [from, to];
  };

  return {
    path_create_directory(fd: number, path: number, path_len: number): number {
      state.nondeterministicCalls++;
      const name = read(path, path_len);
      descriptors.directory(fd >>> 0, Right.pathCreateDirectory).folder.makeFolder(name);
      return 0;
    },

    path_filestat_get(
      fd: number,
      flags: number,
      path: number,
      path_len: number,
      buf: number,
    ): number {
      state.nondeterministicCalls++;
      buf >>>= 0;
      checkRange(memory, buf, filestat.bytes);
      const name = read(path, path_len);
      const { folder } = descriptors.directory(fd >>> 0, Right.pathFilestatGet);
      writeFilestat(memory.view, buf, folder.status(name, follows(flags)), filestat);
      return 0;
    },

    path_filestat_set_times(
      fd: number,
      flags: number,
      path: number,
      path_len: number,
      atim: bigint,
      mtim: bigint,
      fst_flags: number,
    ): number {
      state.nondeterministicCalls++;
      const name = read(path, path_len);
      const times = timesFrom(atim, mtim, fst_flags);
      const { folder } = descriptors.directory(fd >>> 0, Right.pathFilestatSetTimes);
      folder.setTimes(name, times, follows(flags));
      return 0;
    },

    /** Does not follow a symbolic link: with that flag it fails with `EINVAL`. */
    path_link(
      old_fd: number,
      old_flags: number,
      old_path: number,
      old_path_len: number,
      new_fd: number,
      new_path: number,
      new_path_len: number,
    ): number {
      state.nondeterministicCalls++;
      const oldName = read(old_path, old_path_len);
      const newName = read(new_path, new_path_len);
      const [from, to] = bothDirectories(
        old_fd,
        Right.pathLinkSource,
        new_fd,
        Right.pathLinkTarget,
      );
      if (follows(old_flags)) refuse("EINVAL");
      from.folder.link(oldName, to.folder, newName);
      return 0;
    },

    path_open(
      fd: number,
      dirflags: number,
      path: number,
      path_len: number,
      oflags: number,
      fs_rights_base: bigint,
      fs_rights_inheriting: bigint,
      fdflags: number,
      opened_fd: number,
    ): number {
      state.nondeterministicCalls++;
      opened_fd >>>= 0;
      checkRange(memory, opened_fd, 4);
      const name = read(path, path_len);
      if (oflags & ~Oflags.all || fdflags & ~Fdflags.all) refuse("EINVAL");
      const parent = descriptors.directory(fd >>> 0, Right.pathOpen);
      const rights = rightsFrom(fs_rights_base);
      if (rights & ~parent.inheriting) refuse("ENOTCAPABLE");
      if (oflags & Oflags.create && !(parent.rights & Right.pathCreateFile)) {
        refuse("ENOTCAPABLE");
      }
      // Go opens directories without the right to truncate files in them and truncates all the
      // same, so only a dropped right counts.
      if (oflags & Oflags.truncate && parent.dropped & Right.pathFilestatSetSize) refuse("EPERM");
      if (oflags & Oflags.directory && oflags & Oflags.create) refuse("EINVAL");
      descriptors.checkRoom();

      const { folder } = parent;
      const flags = openFlagsFrom({ rights, oflags, fdflags, dirflags });
      const truncate = (oflags & Oflags.truncate) !== 0;
      const opened = folder.open(name, flags, { truncate });
      const inheriting = rightsFrom(fs_rights_inheriting) & parent.inheriting;
      const number = opened.identity.kind === "directory"
        ? descriptors.add({
          kind: "directory",
          folder: folder.within(opened),
          root: parent.root,
          rights: rights & directoryRights,
          inheriting: inheriting & allRights,
          dropped: parent.dropped | (directoryRights & ~parent.inheriting),
          flags: fdflags & ~Fdflags.append,
        })
        : descriptors.add({
          kind: "file",
          folder,
          handle: opened.handle,
          fileKind: opened.identity.kind,
          rights: rights & fileRights,
          inheriting: inheriting & fileRights,
          flags: fdflags,
        });
      memory.view.setUint32(opened_fd, number, true);
      return 0;
    },

    /** Writes a link's text, cut at the end of the buffer. */
    path_readlink(
      fd: number,
      path: number,
      path_len: number,
      buf: number,
      buf_len: number,
      bufused: number,
    ): number {
      state.nondeterministicCalls++;
      buf >>>= 0;
      buf_len >>>= 0;
      bufused >>>= 0;
      checkRange(memory, buf, buf_len);
      checkRange(memory, bufused, 4);
      const name = read(path, path_len);
      const { folder } = descriptors.directory(fd >>> 0, Right.pathReadlink);
      const into = memory.bytes.subarray(buf, buf + buf_len);
      // `readlinkat` refuses an empty buffer; here it holds no bytes.
      const filled = folder.readLink(name, buf_len === 0 ? new Uint8Array(1) : into);
      memory.view.setUint32(bufused, Math.min(filled, buf_len), true);
      return 0;
    },

    path_remove_directory(fd: number, path: number, path_len: number): number {
      state.nondeterministicCalls++;
      const name = read(path, path_len);
      descriptors.directory(fd >>> 0, Right.pathRemoveDirectory).folder.removeFolder(name);
      return 0;
    },

    path_rename(
      fd: number,
      old_path: number,
      old_path_len: number,
      new_fd: number,
      new_path: number,
      new_path_len: number,
    ): number {
      state.nondeterministicCalls++;
      const oldName = read(old_path, old_path_len);
      const newName = read(new_path, new_path_len);
      const [from, to] = bothDirectories(
        fd,
        Right.pathRenameSource,
        new_fd,
        Right.pathRenameTarget,
      );
      from.folder.rename(oldName, to.folder, newName);
      return 0;
    },

    path_symlink(
      old_path: number,
      old_path_len: number,
      fd: number,
      new_path: number,
      new_path_len: number,
    ): number {
      state.nondeterministicCalls++;
      const target = read(old_path, old_path_len);
      const name = read(new_path, new_path_len);
      descriptors.directory(fd >>> 0, Right.pathSymlink).folder.symlink(target, name);
      return 0;
    },

    path_unlink_file(fd: number, path: number, path_len: number): number {
      state.nondeterministicCalls++;
      const name = read(path, path_len);
      descriptors.directory(fd >>> 0, Right.pathUnlinkFile).folder.unlink(name);
      return 0;
    },
  };
}

/**
 * Reads a path. Throws `EILSEQ` if it is not UTF-8, `EINVAL` for a NUL, which would end it in C.
 */
function readPath(memory: GuestMemory, path: number, path_len: number): string {
  checkRange(memory, path, path_len);
  if (path_len > maxPathBytes) refuse("ENAMETOOLONG");
  const ascii = path_len <= shortPathBytes
    ? asciiText(memory.bytes, path, path + path_len)
    : undefined;
  if (ascii?.includes("\0")) refuse("EINVAL");
  if (ascii !== undefined) return ascii;
  const bytes = memory.bytes.subarray(path, path + path_len);
  if (bytes.includes(0)) refuse("EINVAL");
  try {
    return decoder.decode(bytes);
  } catch {
    refuse("EILSEQ");
  }
}

/** Reports whether `lookupflags` follow a link in the last step. */
function follows(lookupflags: number): boolean {
  if (lookupflags & ~symlinkFollow) refuse("EINVAL");
  return (lookupflags & symlinkFollow) !== 0;
}

/**
 * Returns the `OpenFlags` for the arguments of `path_open`: to read unless only writing is asked.
 */
function openFlagsFrom(
  asked: { rights: number; oflags: number; fdflags: number; dirflags: number },
): number {
  const { rights, oflags, fdflags, dirflags } = asked;
  const writes = (rights & Right.fdWrite) !== 0 || (oflags & Oflags.truncate) !== 0;
  const reads = (rights & Right.fdRead) !== 0;
  let flags = 0;
  if (reads || !writes) flags |= OpenFlags.read;
  if (writes) flags |= OpenFlags.write;
  if (follows(dirflags)) flags |= OpenFlags.follow;
  if (oflags & Oflags.create) flags |= OpenFlags.create;
  if (oflags & Oflags.exclusive) flags |= OpenFlags.exclusive;
  if (oflags & Oflags.directory) flags |= OpenFlags.directory;
  if (fdflags & Fdflags.append) flags |= OpenFlags.append;
  if (fdflags & Fdflags.dsync) flags |= OpenFlags.dataSync;
  if (fdflags & (Fdflags.sync | Fdflags.rsync)) flags |= OpenFlags.sync;
  return flags;
}
