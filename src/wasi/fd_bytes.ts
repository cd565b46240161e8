import type { ArgsAndEnvironment } from "./args.ts";
import type { Descriptor, FileDescriptor, OutputDescriptor } from "./descriptors.ts";
import type { WasiLayouts } from "./layouts.ts";
import { refuse, Right } from "./preview1.ts";
import type { WasiState } from "./state.ts";
import { checkIovs, checkRange, transferIovs, writeIovs, writeSize } from "./wire.ts";

/** Makes the functions that write, seek, close and read at an offset, which most guests import. */
export function fdByteFunctions(
  state: WasiState,
  _called: ArgsAndEnvironment,
  { whences }: WasiLayouts,
) {
  const { memory, descriptors } = state;

  return {
    fd_close(fd: number): number {
      descriptors.close(fd >>> 0);
      return 0;
    },

    fd_pread(fd: number, iovs: number, iovs_len: number, offset: bigint, nread: number): number {
      state.nondeterministicCalls++;
      iovs >>>= 0;
      nread >>>= 0;
      checkRange(memory, nread, 4);
      const used = checkIovs(memory, iovs, iovs_len >>> 0);
      const { folder, handle } = positioned(descriptors.get(fd >>> 0), Right.fdRead);
      checkOffset(offset);
      const done = transferIovs(
        state,
        iovs,
        used,
        (bytes, done) => folder.backend.readAt(handle, bytes, offset + BigInt(done)),
      );
      return writeSize(memory, nread, done);
    },

    fd_pwrite(
      fd: number,
      iovs: number,
      iovs_len: number,
      offset: bigint,
      nwritten: number,
    ): number {
      state.nondeterministicCalls++;
      iovs >>>= 0;
      nwritten >>>= 0;
      checkRange(memory, nwritten, 4);
      const used = checkIovs(memory, iovs, iovs_len >>> 0);
      const { folder, handle } = positioned(descriptors.get(fd >>> 0), Right.fdWrite);
      checkOffset(offset);
      const done = writeIovs(
        state,
        iovs,
        used,
        (bytes, done) => folder.backend.writeAt(handle, bytes, offset + BigInt(done)),
      );
      return writeSize(memory, nwritten, done);
    },

    fd_seek(fd: number, offset: bigint, whence: number, newoffset: number): number {
      state.nondeterministicCalls++;
      newoffset >>>= 0;
      checkRange(memory, newoffset, 8);
      const descriptor = seekable(descriptors.get(fd >>> 0));
      const from = whences[whence] ?? refuse("EINVAL");
      // Reading the position needs only the right `fd_tell`.
      const tells = from === "current" && offset === 0n;
      if (!(descriptor.rights & Right.fdSeek) && !(tells && descriptor.rights & Right.fdTell)) {
        refuse("ENOTCAPABLE");
      }
      const position = descriptor.folder.backend.seek(descriptor.handle, offset, from);
      memory.view.setBigUint64(newoffset, position, true);
      return 0;
    },

    fd_tell(fd: number, offset: number): number {
      state.nondeterministicCalls++;
      offset >>>= 0;
      checkRange(memory, offset, 8);
      const { folder, handle, rights } = seekable(descriptors.get(fd >>> 0));
      if (!(rights & Right.fdTell)) refuse("ENOTCAPABLE");
      memory.view.setBigUint64(offset, folder.backend.seek(handle, 0n, "current"), true);
      return 0;
    },

    /** Suspends the guest if it writes to a full stream. */
    fd_write(
      fd: number,
      iovs: number,
      iovs_len: number,
      nwritten: number,
    ): number | Promise<number> {
      state.nondeterministicCalls++;
      iovs >>>= 0;
      nwritten >>>= 0;
      checkRange(memory, nwritten, 4);
      const used = checkIovs(memory, iovs, iovs_len >>> 0);
      const descriptor = writable(descriptors.get(fd >>> 0));
      if (descriptor.kind === "output") {
        const { write } = descriptor;
        let later: Promise<number> | undefined;
        const done = writeIovs(state, iovs, used, (bytes) => {
          const taken = write(bytes) ?? bytes.length;
          if (typeof taken === "number") return taken;
          later = taken;
          return 0;
        });
        if (!later) return writeSize(memory, nwritten, done);
        // Once bytes were written, the next call reports the error, as in POSIX.
        const more = done === 0 ? later : later.catch(() => 0);
        return more.then((taken) => writeSize(memory, nwritten, done + taken));
      }
      const { folder, handle } = descriptor;
      const done = writeIovs(state, iovs, used, (bytes) => folder.backend.write(handle, bytes));
      return writeSize(memory, nwritten, done);
    },
  };
}

/**
 * Throws `EINVAL` above 2^63 - 1: `filesize` is unsigned, and offsets of all systems are signed.
 */
function checkOffset(offset: bigint): void {
  if (offset < 0n) refuse("EINVAL");
}

/** Returns a file that can be read or written at an offset. */
function positioned(descriptor: Descriptor, right: number): FileDescriptor {
  if (descriptor.kind === "directory") refuse("EISDIR");
  if (descriptor.kind !== "file") refuse("ESPIPE");
  if (!(descriptor.rights & right)) refuse("EBADF");
  if (!(descriptor.rights & Right.fdSeek)) refuse("ENOTCAPABLE");
  return descriptor;
}

function writable(descriptor: Descriptor): OutputDescriptor | FileDescriptor {
  if (descriptor.kind === "directory") refuse("EISDIR");
  if (descriptor.kind === "input") refuse("EBADF");
  if (!(descriptor.rights & Right.fdWrite)) refuse("EBADF");
  return descriptor;
}

function seekable(descriptor: Descriptor): FileDescriptor {
  if (descriptor.kind === "directory") refuse("EBADF");
  if (descriptor.kind !== "file") refuse("ESPIPE");
  return descriptor;
}
