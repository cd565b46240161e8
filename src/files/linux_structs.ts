import type { FileIdentity, FileKind, FileStatus, FolderEntry } from "./kernel.ts";

/** Structures of Linux's C library and system calls, as bytes; little-endian on all machines that Deno runs on. */

/** Asked for in a `statx` mask, and told there: the time of birth. */
export const STATX_BTIME = 0x800;
const UTIME_NOW = 0x3fffffffn;
const UTIME_OMIT = 0x3ffffffen;

/** A time as C has it: seconds, then the nanoseconds of that second, which are never negative. */
export function fillTimespec(
  into: BigInt64Array,
  at: number,
  time: bigint | "now" | undefined,
): void {
  if (typeof time === "bigint") {
    const nanoseconds = ((time % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
    into[at] = (time - nanoseconds) / 1_000_000_000n;
    into[at + 1] = nanoseconds;
    return;
  }
  into[at] = 0n;
  into[at + 1] = time === "now" ? UTIME_NOW : UTIME_OMIT;
}

/** The upper four bits of a file's mode, which are also the type of a folder's entry. */
const kinds: Record<number, FileKind> = {
  1: "fifo",
  2: "character",
  4: "directory",
  6: "block",
  8: "file",
  10: "link",
  12: "socket",
};

/** `struct statx` is the same on all machines. @see https://man7.org/linux/man-pages/man2/statx.2.html */
export function identityFrom(statx: DataView): FileIdentity {
  const kind = kinds[statx.getUint16(28, true) >> 12] ?? "unknown";
  return {
    kind,
    special: kind === "character" || kind === "block"
      ? `${statx.getUint32(128, true)}:${statx.getUint32(132, true)}`
      : undefined,
    device: deviceNumber(statx.getUint32(136, true), statx.getUint32(140, true)),
    inode: statx.getBigUint64(32, true),
    bornMs: statx.getUint32(0, true) & STATX_BTIME ? millisecondsAt(statx, 80) : 0,
    changedMs: millisecondsAt(statx, 96),
  };
}

/** A `struct statx_timestamp`: seconds of 64 bits, then nanoseconds. */
function millisecondsAt(statx: DataView, at: number): number {
  const seconds = statx.getInt32(at + 4, true) * 2 ** 32 + statx.getUint32(at, true);
  return seconds * 1000 + statx.getUint32(at + 8, true) / 1e6;
}

export function statusFrom(statx: DataView): FileStatus {
  const time = (at: number) =>
    statx.getBigInt64(at, true) * 1_000_000_000n + BigInt(statx.getUint32(at + 8, true));
  return {
    ...identityFrom(statx),
    links: BigInt(statx.getUint32(16, true)),
    size: statx.getBigUint64(40, true),
    accessNs: time(64),
    changeNs: time(96),
    modifyNs: time(112),
  };
}

/** The device asked for last: most files of a guest lie on one. */
let lastDevice = { major: 0, minor: 0, number: 0n };

/** A device as `stat` numbers it: the bits of major and minor in turns. @see makedev(3) */
function deviceNumber(major: number, minor: number): bigint {
  if (lastDevice.major === major && lastDevice.minor === minor) return lastDevice.number;
  const [high, low] = [BigInt(major), BigInt(minor)];
  const number = ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) |
    ((low & 0xffffff00n) << 12n) |
    (low & 0xffn);
  lastDevice = { major, minor, number };
  return number;
}

/** `struct linux_dirent64`: inode, cookie of the next one, length, type, name with a zero. @see getdents(2) */
export function entryAt(listing: DataView<ArrayBuffer>, at: number): FolderEntry {
  const end = at + listing.getUint16(at + 16, true);
  const bytes = new Uint8Array(listing.buffer, at + 19, end - at - 19);
  return {
    inode: listing.getBigUint64(at, true),
    next: listing.getBigUint64(at + 8, true),
    kind: kinds[listing.getUint8(at + 18)] ?? "unknown",
    name: bytes.subarray(0, bytes.indexOf(0)),
  };
}
