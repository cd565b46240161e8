import type { DirectoryEntry, FileIdentity, FileKind, FileStatus } from "./file_backend.ts";

/*
 * Structures of Linux's C library and system calls, little-endian on both architectures of Deno.
 */

/** Birth time, as a bit of `stx_mask` in the request and the result. */
export const STATX_BTIME = 0x800;
const UTIME_NOW = 0x3fffffffn;
const UTIME_OMIT = 0x3ffffffen;

/** Writes a `struct timespec`: seconds, then nanoseconds of that second, never negative. */
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

/** File kinds by the upper four bits of a mode, which are also `d_type` of an entry. */
const kinds: Record<number, FileKind> = {
  1: "fifo",
  2: "character",
  4: "directory",
  6: "block",
  8: "file",
  10: "link",
  12: "socket",
};

/** Reads a `struct statx`. @see https://man7.org/linux/man-pages/man2/statx.2.html */
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

/** Reads a `struct statx_timestamp`: seconds of 64 bits, then nanoseconds of 32. */
function millisecondsAt(statx: DataView, at: number): number {
  const seconds = statx.getInt32(at + 4, true) * 2 ** 32 + statx.getUint32(at, true);
  return seconds * 1000 + statx.getUint32(at + 8, true) / 1e6;
}

/** Reads the metadata in a `struct statx`. */
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

/** Hot path (bench: `files`): most files of a guest lie on one device. */
let lastDevice = { major: 0, minor: 0, number: 0n };

/** Returns `st_dev`: the bits of major and minor interleaved. @see makedev(3) */
function deviceNumber(major: number, minor: number): bigint {
  if (lastDevice.major === major && lastDevice.minor === minor) return lastDevice.number;
  const [high, low] = [BigInt(major), BigInt(minor)];
  const number = ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) |
    ((low & 0xffffff00n) << 12n) |
    (low & 0xffn);
  lastDevice = { major, minor, number };
  return number;
}

/**
 * Reads a `struct linux_dirent64`: inode, cookie of the next entry, length, type, name with a zero.
 *
 * @see getdents(2)
 */
export function entryAt(listing: DataView<ArrayBuffer>, at: number): DirectoryEntry {
  const end = at + listing.getUint16(at + 16, true);
  const bytes = new Uint8Array(listing.buffer, at + 19, end - at - 19);
  return {
    inode: listing.getBigUint64(at, true),
    next: listing.getBigUint64(at + 8, true),
    kind: kinds[listing.getUint8(at + 18)] ?? "unknown",
    name: bytes.subarray(0, bytes.indexOf(0)),
  };
}
