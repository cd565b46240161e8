import type { Whence } from "../files/kernel.ts";
import type { Descriptor, InputStream, OpenFile, OutputStream } from "./descriptors.ts";
import { FdFlag, refuse, Right } from "./preview1.ts";
import type { State } from "./state.ts";
import { checkRange, checkVectors, readVectors, writeVectors } from "./wire.ts";

const whences: readonly Whence[] = ["start", "current", "end"];

/** What reads, writes and moves within an open descriptor, and closes it: what most guests import together. */
export function fdByteFunctions(state: State) {
  const { memory, descriptors } = state;

  const tell = (result: number, bytes: number): number => {
    memory.view.setUint32(result, bytes, true);
    return 0;
  };

  const readInput = (input: InputStream["input"], vectors: number, count: number): number =>
    readVectors(memory, vectors, count, (bytes) => input.take(bytes));

  return {
    fd_close(fd: number): number {
      descriptors.close(fd >>> 0);
      return 0;
    },

    fd_pread(fd: number, vectors: number, count: number, offset: bigint, result: number): number {
      state.nondeterministicCalls++;
      vectors >>>= 0;
      result >>>= 0;
      checkRange(memory, result, 4);
      const served = checkVectors(memory, vectors, count >>> 0);
      const { folder, handle } = positioned(descriptors.get(fd >>> 0), Right.fdRead);
      checkOffset(offset);
      const done = readVectors(
        memory,
        vectors,
        served,
        (bytes, already) => folder.kernel.readAt(handle, bytes, offset + BigInt(already)),
      );
      return tell(result, done);
    },

    fd_pwrite(fd: number, vectors: number, count: number, offset: bigint, result: number): number {
      state.nondeterministicCalls++;
      vectors >>>= 0;
      result >>>= 0;
      checkRange(memory, result, 4);
      const served = checkVectors(memory, vectors, count >>> 0);
      const { folder, handle } = positioned(descriptors.get(fd >>> 0), Right.fdWrite);
      checkOffset(offset);
      const done = writeVectors(
        memory,
        vectors,
        served,
        (bytes, already) => folder.kernel.writeAt(handle, bytes, offset + BigInt(already)),
      );
      return tell(result, done);
    },

    /**
     * Suspends the guest (answers a promise) when it reads a standard input that has nothing yet; where it said that it
     * does not want to wait, for a moment only.
     */
    fd_read(fd: number, vectors: number, count: number, result: number): number | Promise<number> {
      state.nondeterministicCalls++;
      vectors >>>= 0;
      result >>>= 0;
      checkRange(memory, result, 4);
      const served = checkVectors(memory, vectors, count >>> 0);
      const descriptor = readable(descriptors.get(fd >>> 0));
      if (descriptor.kind === "file") {
        const { folder, handle } = descriptor;
        return tell(
          result,
          readVectors(memory, vectors, served, (bytes) => folder.kernel.read(handle, bytes)),
        );
      }
      const { input } = descriptor;
      if (input.isReady) return tell(result, readInput(input, vectors, served));
      if (descriptor.flags & FdFlag.nonblock) {
        return input.glance().then(() => {
          if (!input.isReady) refuse("EAGAIN");
          return tell(result, readInput(input, vectors, served));
        });
      }
      return input.fill().then(() => tell(result, readInput(input, vectors, served)));
    },

    /**
     * Moves the position and tells the new one. `whence` is 0 from the start, 1 from here, 2 from the end.
     */
    fd_seek(fd: number, offset: bigint, whence: number, result: number): number {
      state.nondeterministicCalls++;
      result >>>= 0;
      checkRange(memory, result, 8);
      const descriptor = seekable(descriptors.get(fd >>> 0));
      const from = whences[whence] ?? refuse("EINVAL");
      // To ask where one is needs less than to move.
      const asks = from === "current" && offset === 0n;
      if (!(descriptor.rights & Right.fdSeek) && !(asks && descriptor.rights & Right.fdTell)) {
        refuse("ENOTCAPABLE");
      }
      const position = descriptor.folder.kernel.seek(descriptor.handle, offset, from);
      memory.view.setBigUint64(result, position, true);
      return 0;
    },

    fd_tell(fd: number, result: number): number {
      state.nondeterministicCalls++;
      result >>>= 0;
      checkRange(memory, result, 8);
      const descriptor = seekable(descriptors.get(fd >>> 0));
      if (!(descriptor.rights & Right.fdTell)) refuse("ENOTCAPABLE");
      memory.view.setBigUint64(result, descriptor.folder.kernel.seek(descriptor.handle, 0n, "current"), true);
      return 0;
    },

    /** Suspends the guest when it writes to a stream that takes nothing now. */
    fd_write(fd: number, vectors: number, count: number, result: number): number | Promise<number> {
      state.nondeterministicCalls++;
      vectors >>>= 0;
      result >>>= 0;
      checkRange(memory, result, 4);
      const served = checkVectors(memory, vectors, count >>> 0);
      const descriptor = writable(descriptors.get(fd >>> 0));
      if (descriptor.kind === "output") {
        const { write } = descriptor;
        let later: Promise<number> | undefined;
        const done = writeVectors(memory, vectors, served, (bytes) => {
          const taken = write(bytes) ?? bytes.length;
          if (typeof taken === "number") return taken;
          later = taken;
          return 0;
        });
        if (!later) return tell(result, done);
        // A failure after some bytes were taken is told by the next write.
        const more = done === 0 ? later : later.catch(() => 0);
        return more.then((taken) => tell(result, done + taken));
      }
      const { folder, handle } = descriptor;
      return tell(
        result,
        writeVectors(memory, vectors, served, (bytes) => folder.kernel.write(handle, bytes)),
      );
    },
  };
}

/** Offsets are unsigned on the wire and signed in every system. */
function checkOffset(offset: bigint): void {
  if (offset < 0n) refuse("EINVAL");
}

/** A file that may be read or written at any place. */
function positioned(descriptor: Descriptor, right: number): OpenFile {
  if (descriptor.kind === "folder") refuse("EISDIR");
  if (descriptor.kind !== "file") refuse("ESPIPE");
  if (!(descriptor.rights & right)) refuse("EBADF");
  if (!(descriptor.rights & Right.fdSeek)) refuse("ENOTCAPABLE");
  return descriptor;
}

/** POSIX says `EISDIR` for reading a folder, and `EBADF` for a descriptor that was not opened for reading. */
function readable(descriptor: Descriptor): InputStream | OpenFile {
  if (descriptor.kind === "folder") refuse("EISDIR");
  if (descriptor.kind === "output") refuse("EBADF");
  if (!(descriptor.rights & Right.fdRead)) refuse("EBADF");
  return descriptor;
}

function writable(descriptor: Descriptor): OutputStream | OpenFile {
  if (descriptor.kind === "folder") refuse("EISDIR");
  if (descriptor.kind === "input") refuse("EBADF");
  if (!(descriptor.rights & Right.fdWrite)) refuse("EBADF");
  return descriptor;
}

function seekable(descriptor: Descriptor): OpenFile {
  if (descriptor.kind === "folder") refuse("EBADF");
  if (descriptor.kind !== "file") refuse("ESPIPE");
  return descriptor;
}
