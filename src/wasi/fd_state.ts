import type { FileStatus, FileTimes } from "../files/file_backend.ts";
import type { Descriptor, OpenFile } from "./descriptors.ts";
import { allRights, FdFlag, FileType, fileTypeOf, refuse, Right, TimeFlag } from "./preview1.ts";
import type { State } from "./state.ts";
import { checkRange } from "./wire.ts";

const fdstatBytes = 24;
const filestatBytes = 64;

/** `advice`: normal, sequential, random, willneed, dontneed, noreuse. */
const lastAdvice = 5;

/** What tells or changes an open descriptor and its file, without reading or writing bytes. */
export function fdStateFunctions(state: State) {
  const { memory, descriptors } = state;

  const setTimes = (descriptor: Descriptor, times: FileTimes): number => {
    if (descriptor.kind === "input" || descriptor.kind === "output") refuse("EINVAL");
    const handle = descriptor.kind === "file" ? descriptor.handle : descriptor.folder.handle;
    descriptor.folder.backend.setTimes(handle, times);
    return 0;
  };

  return {
    /** Advice changes nothing but speed, and the system reads ahead well by itself. */
    fd_advise(fd: number, offset: bigint, length: bigint, advice: number): number {
      const descriptor = descriptors.get(fd >>> 0);
      if (descriptor.kind === "folder") refuse("EBADF");
      if (descriptor.kind !== "file") refuse("ESPIPE");
      if (!(descriptor.rights & Right.fdAdvise)) refuse("ENOTCAPABLE");
      if (advice >>> 0 > lastAdvice || offset < 0n || length < 0n) refuse("EINVAL");
      return 0;
    },

    fd_allocate(fd: number, offset: bigint, length: bigint): number {
      state.nondeterministicCalls++;
      const file = regular(descriptors.get(fd >>> 0), Right.fdAllocate);
      if (offset < 0n || length <= 0n) refuse("EINVAL");
      file.folder.backend.allocate(file.handle, offset, length);
      return 0;
    },

    fd_datasync: (fd: number): number => sync(state, fd >>> 0, true),

    /**
     * File type, flags, rights and the rights of what is opened below. A file opened to append, with the rights to
     * write (0x40) and none below:
     *
     *     04 00 01 00 00 00 00 00   40 00 00 00 00 00 00 00   00 00 00 00 00 00 00 00
     */
    fd_fdstat_get(fd: number, result: number): number {
      result >>>= 0;
      checkRange(memory, result, fdstatBytes);
      const descriptor = descriptors.get(fd >>> 0);
      const view = memory.view;
      view.setUint32(result, 0);
      view.setUint32(result + 4, 0);
      view.setUint8(result, typeOf(descriptor));
      view.setUint16(result + 2, descriptor.flags, true);
      setRights(view, result + 8, descriptor.rights);
      setRights(view, result + 16, descriptor.inheriting);
      return 0;
    },

    /** Appending and not blocking can be changed; how writes are synchronised was said when it was opened. */
    fd_fdstat_set_flags(fd: number, flags: number): number {
      const descriptor = descriptors.withRight(fd >>> 0, Right.fdFdstatSetFlags);
      if (flags & ~FdFlag.all) refuse("EINVAL");
      const changeable = FdFlag.append | FdFlag.nonblock;
      if ((flags ^ descriptor.flags) & ~changeable) refuse("ENOTSUP");
      descriptors.touched = true;
      if (descriptor.kind === "file" && (flags ^ descriptor.flags) & FdFlag.append) {
        descriptor.folder.backend.setAppend(descriptor.handle, (flags & FdFlag.append) !== 0);
      }
      descriptor.flags = flags;
      return 0;
    },

    /** Rights are only ever given up. */
    fd_fdstat_set_rights(fd: number, rights: bigint, inheriting: bigint): number {
      const descriptor = descriptors.get(fd >>> 0);
      const wanted = rightsFrom(rights);
      const wantedBelow = rightsFrom(inheriting);
      if (wanted & ~descriptor.rights || wantedBelow & ~descriptor.inheriting) {
        refuse("ENOTCAPABLE");
      }
      descriptors.touched = true;
      if (descriptor.kind === "folder") descriptor.givenUp |= descriptor.rights & ~wanted;
      descriptor.rights = wanted;
      descriptor.inheriting = wantedBelow;
      return 0;
    },

    fd_filestat_get(fd: number, result: number): number {
      state.nondeterministicCalls++;
      result >>>= 0;
      checkRange(memory, result, filestatBytes);
      const descriptor = descriptors.withRight(fd >>> 0, Right.fdFilestatGet);
      if (descriptor.kind === "input" || descriptor.kind === "output") {
        memory.bytes.fill(0, result, result + filestatBytes);
        memory.view.setUint8(result + 16, typeOf(descriptor));
        return 0;
      }
      const handle = descriptor.kind === "file" ? descriptor.handle : descriptor.folder.handle;
      writeFilestat(memory.view, result, descriptor.folder.backend.status(handle));
      return 0;
    },

    fd_filestat_set_size(fd: number, size: bigint): number {
      state.nondeterministicCalls++;
      const file = regular(descriptors.get(fd >>> 0), Right.fdFilestatSetSize);
      if (size < 0n) refuse("EINVAL");
      file.folder.backend.resize(file.handle, size);
      return 0;
    },

    fd_filestat_set_times(fd: number, access: bigint, modify: bigint, flags: number): number {
      state.nondeterministicCalls++;
      const times = timesFrom(access, modify, flags);
      return setTimes(descriptors.withRight(fd >>> 0, Right.fdFilestatSetTimes), times);
    },

    fd_renumber(from: number, to: number): number {
      descriptors.renumber(from >>> 0, to >>> 0);
      return 0;
    },

    fd_sync: (fd: number): number => sync(state, fd >>> 0, false),
  };
}

function sync(state: State, fd: number, dataOnly: boolean): number {
  state.nondeterministicCalls++;
  const descriptor = state.descriptors.get(fd);
  if (descriptor.kind === "input" || descriptor.kind === "output") refuse("EINVAL");
  if (!(descriptor.rights & (dataOnly ? Right.fdDatasync | Right.fdSync : Right.fdSync))) {
    refuse("ENOTCAPABLE");
  }
  const handle = descriptor.kind === "file" ? descriptor.handle : descriptor.folder.handle;
  descriptor.folder.backend.sync(handle, dataOnly);
  return 0;
}

/** A file that has that right. */
function regular(descriptor: Descriptor, right: number): OpenFile {
  if (descriptor.kind === "folder") refuse("EBADF");
  if (descriptor.kind !== "file") refuse("EINVAL");
  if (!(descriptor.rights & right)) refuse("ENOTCAPABLE");
  return descriptor;
}

function typeOf(descriptor: Descriptor): number {
  if (descriptor.kind === "folder") return FileType.directory;
  if (descriptor.kind === "file") return fileTypeOf(descriptor.fileKind);
  return descriptor.isTerminal ? FileType.characterDevice : FileType.unknown;
}

/** A set of rights from the wire, where they are 64 bits of which 30 mean something. */
export function rightsFrom(rights: bigint): number {
  return Number(rights & BigInt(allRights));
}

function setRights(view: DataView, at: number, rights: number): void {
  view.setUint32(at, rights, true);
  view.setUint32(at + 4, 0, true);
}

/**
 * Device, inode, type, links, size, and when it was read, written and changed: 8 bytes each.
 */
export function writeFilestat(view: DataView, at: number, status: FileStatus): void {
  view.setBigUint64(at, status.device, true);
  view.setBigUint64(at + 8, status.inode, true);
  view.setBigUint64(at + 16, BigInt(fileTypeOf(status.kind)), true);
  view.setBigUint64(at + 24, status.links, true);
  view.setBigUint64(at + 32, status.size, true);
  view.setBigUint64(at + 40, BigInt.asUintN(64, status.accessNs), true);
  view.setBigUint64(at + 48, BigInt.asUintN(64, status.modifyNs), true);
  view.setBigUint64(at + 56, BigInt.asUintN(64, status.changeNs), true);
}

/** Which times to set to what; a time given and "now" at once is `EINVAL`. */
export function timesFrom(access: bigint, modify: bigint, flags: number): FileTimes {
  if (flags & ~TimeFlag.all) refuse("EINVAL");
  return {
    access: timeFrom(access, flags & TimeFlag.access, flags & TimeFlag.accessNow),
    modify: timeFrom(modify, flags & TimeFlag.modify, flags & TimeFlag.modifyNow),
  };
}

function timeFrom(time: bigint, given: number, now: number): bigint | "now" | undefined {
  if (given && now) refuse("EINVAL");
  // On the wire it is unsigned; programs mean a time before 1970 by what is negative as a signed number.
  return given ? BigInt.asIntN(64, time) : now ? "now" : undefined;
}
