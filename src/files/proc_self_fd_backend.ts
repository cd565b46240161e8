import { type FileBackend, OpenFlags } from "./file_backend.ts";
import { FileError } from "./file_error.ts";
import { linuxFlags, O_CLOEXEC, O_DIRECTORY } from "./linux_constants.ts";
import { createNodeBackend, identityFrom, nodeFs, type NodeHandle } from "./node_backend.ts";

/**
 * Makes the backend for Linux without its C library: `/proc/self/fd/<folder>/<name>` opens what
 * `openat` would open, whatever was renamed since the folder was opened.
 *
 * @throws FileError `ENOTSUP` where Deno's descriptors are not the system's, or procfs is missing.
 */
export function createProcSelfFdBackend(): FileBackend {
  assertProcSelfFdWorks();
  const opened = (fd: number, path: string, flags: number): NodeHandle => ({
    fd,
    path,
    identity: identityFrom(nodeFs().fstatSync(fd, { bigint: true })),
    append: (flags & OpenFlags.append) !== 0,
  });
  const pathTo = (folder: NodeHandle, name: string) => `/proc/self/fd/${folder.fd}/${name}`;
  return createNodeBackend({
    openRoot: (path) => opened(nodeFs().openSync(path, O_DIRECTORY | O_CLOEXEC), path, 0),
    openStep(folder, name, flags, mode) {
      // The node backend appends by itself: with O_APPEND, Linux would append `writeAt`, too.
      const linux = linuxFlags(flags & ~(OpenFlags.follow | OpenFlags.append));
      return opened(nodeFs().openSync(pathTo(folder, name), linux, mode), name, flags);
    },
    pathTo,
    pathOf: (handle) => `/proc/self/fd/${handle.fd}`,
  });
}

/** Checks that `/proc/self/fd/N` resolves to the folder that is open as N. */
function assertProcSelfFdWorks(): void {
  let works = false;
  try {
    const fd = nodeFs().openSync("/", O_DIRECTORY | O_CLOEXEC);
    try {
      const root = nodeFs().statSync("/", { bigint: true });
      const found = nodeFs().statSync(`/proc/self/fd/${fd}`, { bigint: true });
      works = root.dev === found.dev && root.ino === found.ino &&
        nodeFs().readlinkSync(`/proc/self/fd/${fd}`) === "/";
    } finally {
      nodeFs().closeSync(fd);
    }
  } catch {
    works = false;
  }
  if (!works) {
    throw new FileError(
      "ENOTSUP",
      "files cannot be opened safely: neither the C library (--allow-ffi) nor /proc/self/fd works",
    );
  }
}
