import type { Descriptor, FileDescriptor, InputDescriptor } from "./descriptors.ts";
import { Fdflags, refuse, Right } from "./preview1.ts";
import type { WasiState } from "./state.ts";
import { standardInput } from "./streams.ts";
import { checkIovs, checkRange, transferIovs, writeSize } from "./wire.ts";

/**
 * Makes `fd_read`. It has a file of its own, as guests that only log do not need standard input.
 */
export function fdReadFunctions(state: WasiState) {
  const { memory, descriptors } = state;

  return {
    /** Suspends the guest while standard input is empty; with `nonblock`, for a moment only. */
    fd_read(fd: number, iovs: number, iovs_len: number, nread: number): number | Promise<number> {
      state.nondeterministicCalls++;
      iovs >>>= 0;
      nread >>>= 0;
      checkRange(memory, nread, 4);
      const used = checkIovs(memory, iovs, iovs_len >>> 0);
      const descriptor = readable(descriptors.get(fd >>> 0));
      if (descriptor.kind === "file") {
        const { folder, handle } = descriptor;
        const done = transferIovs(state, iovs, used, (bytes) => folder.backend.read(handle, bytes));
        return writeSize(memory, nread, done);
      }
      const input = standardInput(state);
      const take = () =>
        writeSize(memory, nread, transferIovs(state, iovs, used, (bytes) => input.take(bytes)));
      if (input.isReady) return take();
      if (descriptor.flags & Fdflags.nonblock) {
        return input.peek().then(() => input.isReady ? take() : refuse("EAGAIN"));
      }
      return input.fill().then(take);
    },
  };
}

/** Returns a readable descriptor. Throws `EISDIR` for a directory, else `EBADF`, as POSIX does. */
function readable(descriptor: Descriptor): InputDescriptor | FileDescriptor {
  if (descriptor.kind === "directory") refuse("EISDIR");
  if (descriptor.kind === "output") refuse("EBADF");
  if (!(descriptor.rights & Right.fdRead)) refuse("EBADF");
  return descriptor;
}
