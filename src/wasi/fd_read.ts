import type { Descriptor, InputStream, OpenFile } from "./descriptors.ts";
import { FdFlag, refuse, Right } from "./preview1.ts";
import type { State } from "./state.ts";
import { standardInput } from "./streams.ts";
import { checkRange, checkVectors, readVectors, tell } from "./wire.ts";

/** `fd_read`, with the standard input behind it: a function that only logs and answers has neither. */
export function fdReadFunctions(state: State) {
  const { memory, descriptors } = state;

  return {
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
          memory,
          result,
          readVectors(memory, vectors, served, (bytes) => folder.backend.read(handle, bytes)),
        );
      }
      const input = standardInput(state);
      const take = () =>
        tell(memory, result, readVectors(memory, vectors, served, (bytes) => input.take(bytes)));
      if (input.isReady) return take();
      if (descriptor.flags & FdFlag.nonblock) {
        return input.glance().then(() => input.isReady ? take() : refuse("EAGAIN"));
      }
      return input.fill().then(take);
    },
  };
}

/** POSIX says `EISDIR` for reading a folder, and `EBADF` for a descriptor that was not opened for reading. */
function readable(descriptor: Descriptor): InputStream | OpenFile {
  if (descriptor.kind === "folder") refuse("EISDIR");
  if (descriptor.kind === "output") refuse("EBADF");
  if (!(descriptor.rights & Right.fdRead)) refuse("EBADF");
  return descriptor;
}
