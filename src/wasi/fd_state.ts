import type { FileTimes } from "../files/file_backend.ts";
import type { ArgsAndEnvironment } from "./args.ts";
import type { Descriptor, DirectoryDescriptor, FileDescriptor } from "./descriptors.ts";
import { type WasiLayouts, writeFilestat } from "./layouts.ts";
import { allRights, Fdflags, FileType, fileTypeOf, Fstflags, refuse, Right } from "./preview1.ts";
import type { WasiState } from "./state.ts";
import { checkRange } from "./wire.ts";

const fdstatBytes = 24;

/** `advice`: normal, sequential, random, willneed, dontneed, noreuse. */
const lastAdvice = 5;

/** Makes the functions that read or change the state of an open descriptor and its file. */
export function fdStateFunctions(
  state: WasiState,
  _called: ArgsAndEnvironment,
  { filestat }: WasiLayouts,
) {
  const { memory, descriptors } = state;

  return {
    /** Checks its arguments only: advice affects nothing but speed. */
    fd_advise(fd: number, offset: bigint, len: bigint, advice: number): number {
      const descriptor = descriptors.get(fd >>> 0);
      if (descriptor.kind === "directory") refuse("EBADF");
      if (descriptor.kind !== "file") refuse("ESPIPE");
      if (!(descriptor.rights & Right.fdAdvise)) refuse("ENOTCAPABLE");
      if (advice >>> 0 > lastAdvice || offset < 0n || len < 0n) refuse("EINVAL");
      return 0;
    },

    fd_allocate(fd: number, offset: bigint, len: bigint): number {
      state.nondeterministicCalls++;
      const file = fileWithRight(descriptors.get(fd >>> 0), Right.fdAllocate);
      if (offset < 0n || len <= 0n) refuse("EINVAL");
      file.folder.backend.allocate(file.handle, offset, len);
      return 0;
    },

    fd_datasync: (fd: number): number => sync(state, fd >>> 0, true),

    /**
     * Writes an `fdstat`: file type, flags, rights, inheriting rights. A file opened to append,
     * with the right to write (0x40), is
     *
     *     04 00 01 00 00 00 00 00   40 00 00 00 00 00 00 00   00 00 00 00 00 00 00 00
     */
    fd_fdstat_get(fd: number, stat: number): number {
      stat >>>= 0;
      checkRange(memory, stat, fdstatBytes);
      const descriptor = descriptors.get(fd >>> 0);
      const view = memory.view;
      view.setUint32(stat, 0);
      view.setUint32(stat + 4, 0);
      view.setUint8(stat, typeOf(descriptor));
      view.setUint16(stat + 2, descriptor.flags, true);
      setRights(view, stat + 8, descriptor.rights);
      setRights(view, stat + 16, descriptor.inheriting);
      return 0;
    },

    /** Changes `append` and `nonblock`; the synchronisation flags are fixed by `path_open`. */
    fd_fdstat_set_flags(fd: number, flags: number): number {
      const descriptor = descriptors.withRight(fd >>> 0, Right.fdFdstatSetFlags);
      if (flags & ~Fdflags.all) refuse("EINVAL");
      const changeable = Fdflags.append | Fdflags.nonblock;
      if ((flags ^ descriptor.flags) & ~changeable) refuse("ENOTSUP");
      descriptors.noteChange();
      if (descriptor.kind === "file" && (flags ^ descriptor.flags) & Fdflags.append) {
        descriptor.folder.backend.setAppend(descriptor.handle, (flags & Fdflags.append) !== 0);
      }
      descriptor.flags = flags;
      return 0;
    },

    /** Drops rights; it cannot add any. */
    fd_fdstat_set_rights(
      fd: number,
      fs_rights_base: bigint,
      fs_rights_inheriting: bigint,
    ): number {
      const descriptor = descriptors.get(fd >>> 0);
      const base = rightsFrom(fs_rights_base);
      const inheriting = rightsFrom(fs_rights_inheriting);
      if (base & ~descriptor.rights || inheriting & ~descriptor.inheriting) refuse("ENOTCAPABLE");
      descriptors.noteChange();
      if (descriptor.kind === "directory") descriptor.dropped |= descriptor.rights & ~base;
      descriptor.rights = base;
      descriptor.inheriting = inheriting;
      return 0;
    },

    fd_filestat_get(fd: number, buf: number): number {
      state.nondeterministicCalls++;
      buf >>>= 0;
      checkRange(memory, buf, filestat.bytes);
      const descriptor = descriptors.withRight(fd >>> 0, Right.fdFilestatGet);
      if (descriptor.kind === "input" || descriptor.kind === "output") {
        memory.bytes.fill(0, buf, buf + filestat.bytes);
        memory.view.setUint8(buf + 16, typeOf(descriptor));
        return 0;
      }
      const status = descriptor.folder.backend.status(handleOf(descriptor));
      writeFilestat(memory.view, buf, status, filestat);
      return 0;
    },

    fd_filestat_set_size(fd: number, size: bigint): number {
      state.nondeterministicCalls++;
      const file = fileWithRight(descriptors.get(fd >>> 0), Right.fdFilestatSetSize);
      if (size < 0n) refuse("EINVAL");
      file.folder.backend.resize(file.handle, size);
      return 0;
    },

    fd_filestat_set_times(fd: number, atim: bigint, mtim: bigint, fst_flags: number): number {
      state.nondeterministicCalls++;
      const times = timesFrom(atim, mtim, fst_flags);
      const descriptor = descriptors.withRight(fd >>> 0, Right.fdFilestatSetTimes);
      if (descriptor.kind === "input" || descriptor.kind === "output") refuse("EINVAL");
      descriptor.folder.backend.setTimes(handleOf(descriptor), times);
      return 0;
    },

    fd_renumber(fd: number, to: number): number {
      descriptors.renumber(fd >>> 0, to >>> 0);
      return 0;
    },

    fd_sync: (fd: number): number => sync(state, fd >>> 0, false),
  };
}

function sync(state: WasiState, fd: number, dataOnly: boolean): number {
  state.nondeterministicCalls++;
  const descriptor = state.descriptors.get(fd);
  if (descriptor.kind === "input" || descriptor.kind === "output") refuse("EINVAL");
  if (!(descriptor.rights & (dataOnly ? Right.fdDatasync | Right.fdSync : Right.fdSync))) {
    refuse("ENOTCAPABLE");
  }
  descriptor.folder.backend.sync(handleOf(descriptor), dataOnly);
  return 0;
}

function handleOf(descriptor: FileDescriptor | DirectoryDescriptor): number {
  return descriptor.kind === "file" ? descriptor.handle : descriptor.folder.handle;
}

function fileWithRight(descriptor: Descriptor, right: number): FileDescriptor {
  if (descriptor.kind === "directory") refuse("EBADF");
  if (descriptor.kind !== "file") refuse("EINVAL");
  if (!(descriptor.rights & right)) refuse("ENOTCAPABLE");
  return descriptor;
}

function typeOf(descriptor: Descriptor): number {
  if (descriptor.kind === "directory") return FileType.directory;
  if (descriptor.kind === "file") return fileTypeOf(descriptor.fileKind);
  return descriptor.isTerminal ? FileType.characterDevice : FileType.unknown;
}

/** Returns the set of rights in a `rights`, of whose 64 bits 30 are defined. */
export function rightsFrom(rights: bigint): number {
  return Number(rights & BigInt(allRights));
}

function setRights(view: DataView, at: number, rights: number): void {
  view.setUint32(at, rights, true);
  view.setUint32(at + 4, 0, true);
}

/** Returns the times to set. Throws `EINVAL` if a time and "now" are asked for together. */
export function timesFrom(atim: bigint, mtim: bigint, fst_flags: number): FileTimes {
  if (fst_flags & ~Fstflags.all) refuse("EINVAL");
  return {
    access: timeFrom(atim, fst_flags & Fstflags.atim, fst_flags & Fstflags.atimNow),
    modify: timeFrom(mtim, fst_flags & Fstflags.mtim, fst_flags & Fstflags.mtimNow),
  };
}

function timeFrom(time: bigint, given: number, now: number): bigint | "now" | undefined {
  if (given && now) refuse("EINVAL");
  // `timestamp` is unsigned; programs pass a time before 1970 as a negative number all the same.
  return given ? BigInt.asIntN(64, time) : now ? "now" : undefined;
}
