import { How } from "./kernel.ts";

/** The two numbers that differ between the machines that Linux builds of Deno exist for. */
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

/** Linux's numbers for a set of `How`. @see open(2) */
export function linuxFlags(how: number): number {
  let flags = O_CLOEXEC;
  if (how & How.directory) flags |= O_DIRECTORY;
  if (!(how & How.follow)) flags |= O_NOFOLLOW;
  if (how & How.nameOnly) return flags | O_PATH;
  // Not blocking: the other end of a named pipe may never come.
  flags |= O_NOCTTY | O_NONBLOCK;
  if (how & How.write) flags |= how & How.read ? O_RDWR : O_WRONLY;
  if (how & How.create) flags |= O_CREAT;
  if (how & How.exclusive) flags |= O_EXCL;
  if (how & How.append) flags |= O_APPEND;
  if (how & How.dataSync) flags |= O_DSYNC;
  if (how & How.sync) flags |= O_SYNC;
  return flags;
}
