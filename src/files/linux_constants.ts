import { OpenFlags } from "./file_backend.ts";

/** Flags that differ between the two architectures of Deno on Linux. @see open(2) */
const machines = {
  x86_64: { oDirectory: 0o200000, oNofollow: 0o400000 },
  aarch64: { oDirectory: 0o40000, oNofollow: 0o100000 },
} as const;

export const O_DIRECTORY = machines[Deno.build.arch].oDirectory;
const O_NOFOLLOW = machines[Deno.build.arch].oNofollow;
const O_WRONLY = 0o1;
const O_RDWR = 0o2;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_NOCTTY = 0o400;
export const O_APPEND = 0o2000;
const O_NONBLOCK = 0o4000;
const O_DSYNC = 0o10000;
const O_SYNC = 0o4010000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;

/** File system type of procfs. @see statfs(2) */
export const PROC_SUPER_MAGIC = 0x9fa0;

/** Maps `OpenFlags` to Linux's flags. */
export function linuxFlags(flags: number): number {
  let linux = O_CLOEXEC;
  if (flags & OpenFlags.directory) linux |= O_DIRECTORY;
  if (!(flags & OpenFlags.follow)) linux |= O_NOFOLLOW;
  if (flags & OpenFlags.nameOnly) return linux | O_PATH;
  // O_NONBLOCK: opening a named pipe would wait for its other end.
  linux |= O_NOCTTY | O_NONBLOCK;
  if (flags & OpenFlags.write) linux |= flags & OpenFlags.read ? O_RDWR : O_WRONLY;
  if (flags & OpenFlags.create) linux |= O_CREAT;
  if (flags & OpenFlags.exclusive) linux |= O_EXCL;
  if (flags & OpenFlags.append) linux |= O_APPEND;
  if (flags & OpenFlags.dataSync) linux |= O_DSYNC;
  if (flags & OpenFlags.sync) linux |= O_SYNC;
  return linux;
}
