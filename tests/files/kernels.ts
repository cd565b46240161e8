import { createByPathKernel } from "../../src/files/by_path.ts";
import type { Kernel } from "../../src/files/kernel.ts";
import { createLibcKernel } from "../../src/files/libc.ts";
import { createProcSelfFdKernel } from "../../src/files/proc_self_fd.ts";

/** Every way to files that this machine has, so that one suite runs on all of them. */
export const kernels: readonly { readonly name: string; readonly make: () => Kernel }[] = [
  { name: "openat2", make: () => createLibcKernel({ openat2: true }) },
  { name: "openat", make: () => createLibcKernel({ openat2: false }) },
  { name: "/proc/self/fd", make: createProcSelfFdKernel },
  { name: "by path", make: createByPathKernel },
].filter(({ name }) => Deno.build.os === "linux" || name === "by path");
