import { createByPathKernel } from "./by_path.ts";
import { FileError } from "./file_error.ts";
import { How, type Kernel } from "./kernel.ts";
import { createLibcKernel } from "./libc.ts";
import { createProcSelfFdKernel } from "./proc_self_fd.ts";

let chosen: Kernel | undefined;

/**
 * The best way to files that this process has, found by trying when the first file is touched:
 *
 * 1. Linux's C library with `openat2`, which walks in one call that no link leaves;
 * 2. the same library folder by folder, where the kernel is older or a container forbids the call;
 * 3. `/proc/self/fd` folder by folder, where the library cannot be called;
 * 4. by path with a look before and after each step, on systems other than Linux.
 *
 * @throws FileError `ENOTSUP` on a Linux where none of its three can be had.
 */
export function systemKernel(): Kernel {
  return chosen ??= Deno.build.os === "linux" ? linuxKernel() : createByPathKernel();
}

function linuxKernel(): Kernel {
  let whole: Kernel;
  try {
    whole = createLibcKernel({ openat2: true });
  } catch {
    return createProcSelfFdKernel();
  }
  return hasOpenat2(whole) ? whole : createLibcKernel({ openat2: false });
}

/** An old kernel does not know the call (`ENOSYS`); a container's filter may forbid it (`EPERM`). */
function hasOpenat2(kernel: Kernel): boolean {
  const root = kernel.openRoot("/");
  try {
    const handle = kernel.openBeneath?.(root, ".", How.nameOnly | How.directory, 0);
    if (handle === undefined) return false;
    kernel.close(handle);
    return true;
  } catch (error) {
    if (error instanceof FileError) return false;
    throw error;
  } finally {
    kernel.close(root);
  }
}
