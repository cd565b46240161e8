import { asciiText } from "../base/byte_string.ts";
import { OpenFlags } from "../files/file_backend.ts";
import type { GuestMemory } from "../wasm/memory.ts";
import type { OpenFolder } from "./descriptors.ts";
import { rightsFrom, timesFrom, writeFilestat } from "./fd_state.ts";
import {
  allRights,
  directoryRights,
  FdFlag,
  fileRights,
  followLinks,
  maxPathBytes,
  OpenFlag,
  refuse,
  Right,
} from "./preview1.ts";
import type { State } from "./state.ts";
import { checkRange } from "./wire.ts";

const filestatBytes = 64;
const shortPath = 32; // bytes, for which a decoder takes longer than all the rest of a call

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What works on paths: all of them start at an open folder and cannot leave the granted one that it lies in. */
export function pathFunctions(state: State) {
  const { memory, descriptors } = state;

  const path = (pointer: number, length: number): string =>
    readPath(memory, pointer >>> 0, length >>> 0);

  /** Two folders of one granted folder: nothing is moved or linked from one grant to another. */
  const pair = (
    fd: number,
    right: number,
    newFd: number,
    newRight: number,
  ): [OpenFolder, OpenFolder] => {
    const from = descriptors.folder(fd >>> 0, right);
    const to = descriptors.folder(newFd >>> 0, newRight);
    if (from.root !== to.root) refuse("EXDEV");
    return [from, to];
  };

  return {
    path_create_directory(fd: number, pointer: number, length: number): number {
      state.nondeterministicCalls++;
      const name = path(pointer, length);
      descriptors.folder(fd >>> 0, Right.pathCreateDirectory).folder.makeFolder(name);
      return 0;
    },

    path_filestat_get(
      fd: number,
      lookup: number,
      pointer: number,
      length: number,
      result: number,
    ): number {
      state.nondeterministicCalls++;
      result >>>= 0;
      checkRange(memory, result, filestatBytes);
      const name = path(pointer, length);
      const { folder } = descriptors.folder(fd >>> 0, Right.pathFilestatGet);
      writeFilestat(memory.view, result, folder.status(name, follows(lookup)));
      return 0;
    },

    path_filestat_set_times(
      fd: number,
      lookup: number,
      pointer: number,
      length: number,
      access: bigint,
      modify: bigint,
      flags: number,
    ): number {
      state.nondeterministicCalls++;
      const name = path(pointer, length);
      const times = timesFrom(access, modify, flags);
      const { folder } = descriptors.folder(fd >>> 0, Right.pathFilestatSetTimes);
      folder.setTimes(name, times, follows(lookup));
      return 0;
    },

    /** Only the link itself can be given a second name, as in most systems. */
    path_link(
      fd: number,
      lookup: number,
      pointer: number,
      length: number,
      newFd: number,
      newPointer: number,
      newLength: number,
    ): number {
      state.nondeterministicCalls++;
      const name = path(pointer, length);
      const newName = path(newPointer, newLength);
      const [from, to] = pair(fd, Right.pathLinkSource, newFd, Right.pathLinkTarget);
      if (follows(lookup)) refuse("EINVAL");
      from.folder.link(name, to.folder, newName);
      return 0;
    },

    path_open(
      fd: number,
      lookup: number,
      pointer: number,
      length: number,
      openFlags: number,
      rights: bigint,
      inheriting: bigint,
      flags: number,
      result: number,
    ): number {
      state.nondeterministicCalls++;
      result >>>= 0;
      checkRange(memory, result, 4);
      const name = path(pointer, length);
      if (openFlags & ~OpenFlag.all || flags & ~FdFlag.all) refuse("EINVAL");
      const parent = descriptors.folder(fd >>> 0, Right.pathOpen);
      const wanted = rightsFrom(rights);
      if (wanted & ~parent.inheriting) refuse("ENOTCAPABLE");
      if (openFlags & OpenFlag.create && !(parent.rights & Right.pathCreateFile)) {
        refuse("ENOTCAPABLE");
      }
      // Go opens folders without the right to truncate below them and truncates all the same, so what counts is
      // whether the right was given up.
      if (openFlags & OpenFlag.truncate && parent.givenUp & Right.pathFilestatSetSize) {
        refuse("EPERM");
      }
      if (openFlags & OpenFlag.directory && openFlags & OpenFlag.create) refuse("EINVAL");
      descriptors.checkRoom();

      const { folder } = parent;
      const opened = folder.open(name, howFrom(wanted, openFlags, flags, follows(lookup)), {
        truncate: (openFlags & OpenFlag.truncate) !== 0,
      });
      const inherited = rightsFrom(inheriting) & parent.inheriting;
      const number = opened.identity.kind === "directory"
        ? descriptors.add({
          kind: "folder",
          folder: folder.within(opened),
          root: parent.root,
          rights: wanted & directoryRights,
          inheriting: inherited & allRights,
          givenUp: parent.givenUp | (directoryRights & ~parent.inheriting),
          flags: flags & ~FdFlag.append,
        })
        : descriptors.add({
          kind: "file",
          folder,
          handle: opened.handle,
          fileKind: opened.identity.kind,
          rights: wanted & fileRights,
          inheriting: inherited & fileRights,
          flags,
        });
      memory.view.setUint32(result, number, true);
      return 0;
    },

    /** A link's text, cut where the buffer ends. */
    path_readlink(
      fd: number,
      pointer: number,
      length: number,
      buffer: number,
      bufferLength: number,
      result: number,
    ): number {
      state.nondeterministicCalls++;
      buffer >>>= 0;
      bufferLength >>>= 0;
      result >>>= 0;
      checkRange(memory, buffer, bufferLength);
      checkRange(memory, result, 4);
      const name = path(pointer, length);
      const { folder } = descriptors.folder(fd >>> 0, Right.pathReadlink);
      const into = memory.bytes.subarray(buffer, buffer + bufferLength);
      // A buffer of no bytes holds as many of them; the system would call it an error.
      const filled = folder.readLink(name, bufferLength === 0 ? new Uint8Array(1) : into);
      memory.view.setUint32(result, Math.min(filled, bufferLength), true);
      return 0;
    },

    path_remove_directory(fd: number, pointer: number, length: number): number {
      state.nondeterministicCalls++;
      const name = path(pointer, length);
      descriptors.folder(fd >>> 0, Right.pathRemoveDirectory).folder.removeFolder(name);
      return 0;
    },

    path_rename(
      fd: number,
      pointer: number,
      length: number,
      newFd: number,
      newPointer: number,
      newLength: number,
    ): number {
      state.nondeterministicCalls++;
      const name = path(pointer, length);
      const newName = path(newPointer, newLength);
      const [from, to] = pair(fd, Right.pathRenameSource, newFd, Right.pathRenameTarget);
      from.folder.rename(name, to.folder, newName);
      return 0;
    },

    path_symlink(
      targetPointer: number,
      targetLength: number,
      fd: number,
      pointer: number,
      length: number,
    ): number {
      state.nondeterministicCalls++;
      const target = path(targetPointer, targetLength);
      const name = path(pointer, length);
      descriptors.folder(fd >>> 0, Right.pathSymlink).folder.symlink(target, name);
      return 0;
    },

    path_unlink_file(fd: number, pointer: number, length: number): number {
      state.nondeterministicCalls++;
      const name = path(pointer, length);
      descriptors.folder(fd >>> 0, Right.pathUnlinkFile).folder.unlink(name);
      return 0;
    },
  };
}

/** A path as the guest wrote it: UTF-8 without a zero, which C would take for its end. */
function readPath(memory: GuestMemory, pointer: number, length: number): string {
  checkRange(memory, pointer, length);
  if (length > maxPathBytes) refuse("ENAMETOOLONG");
  const short = length <= shortPath
    ? asciiText(memory.bytes, pointer, pointer + length)
    : undefined;
  if (short?.includes("\0")) refuse("EINVAL");
  if (short !== undefined) return short;
  const bytes = memory.bytes.subarray(pointer, pointer + length);
  if (bytes.includes(0)) refuse("EINVAL");
  try {
    return decoder.decode(bytes);
  } catch {
    refuse("EILSEQ");
  }
}

function follows(lookup: number): boolean {
  if (lookup & ~followLinks) refuse("EINVAL");
  return (lookup & followLinks) !== 0;
}

/** How to open for a set of rights: to read unless only writing is asked for, since a handle must do something. */
function howFrom(rights: number, openFlags: number, flags: number, follow: boolean): number {
  const writes = (rights & Right.fdWrite) !== 0 || (openFlags & OpenFlag.truncate) !== 0;
  const reads = (rights & Right.fdRead) !== 0;
  let how = 0;
  if (reads || !writes) how |= OpenFlags.read;
  if (writes) how |= OpenFlags.write;
  if (follow) how |= OpenFlags.follow;
  if (openFlags & OpenFlag.create) how |= OpenFlags.create;
  if (openFlags & OpenFlag.exclusive) how |= OpenFlags.exclusive;
  if (openFlags & OpenFlag.directory) how |= OpenFlags.directory;
  if (flags & FdFlag.append) how |= OpenFlags.append;
  if (flags & FdFlag.dsync) how |= OpenFlags.dataSync;
  if (flags & (FdFlag.sync | FdFlag.rsync)) how |= OpenFlags.sync;
  return how;
}
