import { FileError } from "./file_error.ts";
import { How, type Kernel } from "./kernel.ts";
import { createLibcKernel } from "./libc.ts";

let chosen: Kernel | undefined;

/**
 * The best way to files that this process has, found by trying when the first file is touched:
 *
 * 1. Linux's C library with `openat2`; 2. the same, folder by folder.
 *
 * @throws FileError `ENOTSUP` where no safe way is found.
 */
export function systemKernel(): Kernel {
  return chosen ??= choose();
}

function choose(): Kernel {
  const whole = createLibcKernel({ openat2: true });
  const root = whole.openRoot("/");
  try {
    whole.close(whole.openBeneath?.(root, ".", How.nameOnly | How.directory, 0) ?? -1);
    return whole;
  } catch (error) {
    // An old kernel does not know the call (ENOSYS); a container's filter may forbid it (EPERM).
    if (error instanceof FileError) return createLibcKernel({ openat2: false });
    throw error;
  } finally {
    whole.close(root);
  }
}
