import { type FileBackend, OpenFlags } from "./file_backend.ts";
import { FileError } from "./file_error.ts";
import { createLibcBackend } from "./libc_backend.ts";
import { createPathBackend } from "./path_backend.ts";
import { createProcSelfFdBackend } from "./proc_self_fd_backend.ts";

let chosen: FileBackend | undefined;

/**
 * Returns the best backend of this process, found by trying when the first file is opened:
 *
 * 1. Linux's C library with `openat2`, Linux 5.6 or newer: the usual case.
 * 2. The C library with `openat`, step by step: Linux before 5.6 (RHEL 8, Debian 10), gVisor, and
 *    containers whose seccomp filter denies `openat2`.
 * 3. `/proc/self/fd`, step by step: Linux without a C library that FFI can load, such as a static
 *    build, or Deno started with permissions but without `--allow-ffi`.
 * 4. Paths with a check before and after each step: macOS and Windows.
 *
 * @throws FileError `ENOTSUP` on a Linux where the first three fail.
 */
export function systemBackend(): FileBackend {
  return chosen ??= Deno.build.os === "linux" ? linuxBackend() : createPathBackend();
}

function linuxBackend(): FileBackend {
  let backend: FileBackend;
  try {
    backend = createLibcBackend({ openat2: true });
  } catch {
    return createProcSelfFdBackend();
  }
  return hasOpenat2(backend) ? backend : createLibcBackend({ openat2: false });
}

/** Reports whether `openat2` works: old kernels lack it, and seccomp filters may deny it. */
function hasOpenat2(backend: FileBackend): boolean {
  const root = backend.openRoot("/");
  try {
    const flags = OpenFlags.nameOnly | OpenFlags.directory;
    const handle = backend.openBeneath?.(root, ".", flags, 0);
    if (handle === undefined) return false;
    backend.close(handle);
    return true;
  } catch (error) {
    if (error instanceof FileError) return false;
    throw error;
  } finally {
    backend.close(root);
  }
}
