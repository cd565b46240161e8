import { FileError } from "./file_error.ts";
import { createFsKernel, type FsHandle, identityFrom } from "./fs_kernel.ts";
import { How, type Kernel } from "./kernel.ts";
import { linuxFlags, O_CLOEXEC, O_DIRECTORY } from "./linux_flags.ts";
import { nodeFs } from "./node_fs.ts";

/**
 * Linux without its C library: `/proc/self/fd/<folder>/<name>` is what `openat` would open, whatever was renamed
 * since the folder was opened.
 *
 * @throws FileError `ENOTSUP` when a descriptor's number there is not the file just opened, as in a Deno whose numbers
 * are its own.
 */
export function createProcSelfFdKernel(): Kernel {
  prove();
  const opened = (fd: number, path: string, how: number): FsHandle => ({
    fd,
    path,
    identity: identityFrom(nodeFs().fstatSync(fd, { bigint: true })),
    append: (how & How.append) !== 0,
  });
  const pathTo = (folder: FsHandle, name: string) => `/proc/self/fd/${folder.fd}/${name}`;
  return createFsKernel({
    openRoot: (path) => opened(nodeFs().openSync(path, O_DIRECTORY | O_CLOEXEC), path, 0),
    openStep(folder, name, how, mode) {
      // Appending is done above, so that a write at a place is one.
      const flags = linuxFlags(how & ~(How.follow | How.append));
      return opened(nodeFs().openSync(pathTo(folder, name), flags, mode), name, how);
    },
    pathTo,
    pathOf: (handle) => `/proc/self/fd/${handle.fd}`,
  });
}

/** Opens a folder and looks whether its number leads back to it. */
function prove(): void {
  let same = false;
  try {
    const fd = nodeFs().openSync("/", O_DIRECTORY | O_CLOEXEC);
    try {
      const [real, found] = [
        nodeFs().statSync("/", { bigint: true }),
        nodeFs().statSync(`/proc/self/fd/${fd}`, { bigint: true }),
      ];
      same = real.dev === found.dev && real.ino === found.ino &&
        nodeFs().readlinkSync(`/proc/self/fd/${fd}`) === "/";
    } finally {
      nodeFs().closeSync(fd);
    }
  } catch {
    same = false;
  }
  if (!same) {
    throw new FileError(
      "ENOTSUP",
      "files cannot be opened safely: neither the C library (--allow-ffi) nor /proc/self/fd can be used here",
    );
  }
}
