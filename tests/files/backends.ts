import { createPathBackend } from "../../src/files/path_backend.ts";
import type { FileBackend } from "../../src/files/file_backend.ts";
import { createLibcBackend } from "../../src/files/libc_backend.ts";
import { createProcSelfFdBackend } from "../../src/files/proc_self_fd_backend.ts";

/** All backends of this system, so that one suite runs on each. */
export const backends: readonly { readonly name: string; readonly make: () => FileBackend }[] = [
  { name: "openat2", make: () => createLibcBackend({ openat2: true }) },
  { name: "openat", make: () => createLibcBackend({ openat2: false }) },
  { name: "/proc/self/fd", make: createProcSelfFdBackend },
  { name: "by path", make: createPathBackend },
].filter(({ name }) => Deno.build.os === "linux" || name === "by path");
