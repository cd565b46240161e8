import { Folder } from "./folder.ts";
import type { Kernel } from "./kernel.ts";
import { OwnFiles } from "./own_files.ts";
import { systemKernel } from "./system_kernel.ts";

/**
 * A granted folder, open, by its path outside.
 *
 * @param ownFiles are files of the launcher's own, which no path leads to even inside the folder.
 * @throws FileError with the system's code.
 */
export function openFolder(
  host: string,
  ownFiles: readonly string[],
  kernel: Kernel = systemKernel(),
): Folder {
  return new Folder(kernel, kernel.openRoot(host), new OwnFiles(kernel, ownFiles));
}
