import type { Whence } from "../files/file_backend.ts";
import type { Descriptor, OpenFile, OutputStream } from "./descriptors.ts";
import { refuse, Right } from "./preview1.ts";
import type { State } from "./state.ts";
import { checkRange, checkVectors, readVectors, tell, writeVectors } from "./wire.ts";

const whences: readonly Whence[] = ["start", "current", "end"];

/**
 * What writes and moves within an open descriptor, and closes it, and what reads at a place of a file: what most guests
 * import together.
 */
export function fdByteFunctions(state: State) {
  const { memory, descriptors } = state;

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
        (bytes, already) => folder.backend.readAt(handle, bytes, offset + BigInt(already)),
      );
      return tell(memory, result, done);
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
        (bytes, already) => folder.backend.writeAt(handle, bytes, offset + BigInt(already)),
      );
      return tell(memory, result, done);
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
      const position = descriptor.folder.backend.seek(descriptor.handle, offset, from);
      memory.view.setBigUint64(result, position, true);
      return 0;
    },

    fd_tell(fd: number, result: number): number {
      state.nondeterministicCalls++;
      result >>>= 0;
      checkRange(memory, result, 8);
      const descriptor = seekable(descriptors.get(fd >>> 0));
      if (!(descriptor.rights & Right.fdTell)) refuse("ENOTCAPABLE");
      memory.view.setBigUint64(
        result,
        descriptor.folder.backend.seek(descriptor.handle, 0n, "current"),
        true,
      );
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
        if (!later) return tell(memory, result, done);
        // A failure after some bytes were taken is told by the next write.
        const more = done === 0 ? later : later.catch(() => 0);
        return more.then((taken) => tell(memory, result, done + taken));
      }
      const { folder, handle } = descriptor;
      return tell(
        memory,
        result,
        writeVectors(memory, vectors, served, (bytes) => folder.backend.write(handle, bytes)),
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
