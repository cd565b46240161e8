import { loadCLibrary } from "../base/c_library.ts";
import { FileError } from "./file_error.ts";
import { type FileBackend, type FileTimes, OpenFlags, type Whence } from "./file_backend.ts";
import { linuxErrors } from "./linux_errors.ts";
import {
  linuxFlags,
  O_APPEND,
  O_CLOEXEC,
  O_DIRECTORY,
  PROC_SUPER_MAGIC,
} from "./linux_constants.ts";
import { entryAt, fillTimespec, identityFrom, statusFrom, STATX_BTIME } from "./linux_structs.ts";

/** System call numbers that differ between the two architectures of Deno on Linux. */
const machines = {
  x86_64: { statx: 332n, getdents64: 217n },
  aarch64: { statx: 291n, getdents64: 61n },
} as const;

/** New system calls such as `openat2` have the same number on all architectures. */
const openat2Number = 437n;

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_REMOVEDIR = 0x200;
const AT_EMPTY_PATH = 0x1000;
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_BENEATH = 0x08;
const STATX_BASIC_STATS = 0x7ff;
const F_GETFL = 3;
const F_SETFL = 4;
/** @see signal(7) */
const SIGXFSZ = 25;
const SIG_IGN = 1n;
const whences: Record<Whence, number> = { start: 0, current: 1, end: 2 };

/** Largest transfer of one `read` or `write`: Linux's own limit, a page below 2 GiB. */
const maxTransfer = 0x7ffff000;

const symbols = {
  open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  openat: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  openat2: {
    name: "syscall",
    parameters: ["usize", "i32", "buffer", "buffer", "usize"],
    result: "i32",
  },
  close: { parameters: ["i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  pwrite: { parameters: ["i32", "buffer", "usize", "i64"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  fallocate: { parameters: ["i32", "i32", "i64", "i64"], result: "i32" },
  fsync: { parameters: ["i32"], result: "i32" },
  fdatasync: { parameters: ["i32"], result: "i32" },
  fstatfs: { parameters: ["i32", "buffer"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  statx: {
    name: "syscall",
    parameters: ["usize", "i32", "buffer", "i32", "u32", "buffer"],
    result: "i32",
  },
  getdents64: { name: "syscall", parameters: ["usize", "i32", "buffer", "usize"], result: "i32" },
  futimens: { parameters: ["i32", "buffer"], result: "i32" },
  utimensat: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  mkdirat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  unlinkat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  renameat: { parameters: ["i32", "buffer", "i32", "buffer"], result: "i32" },
  linkat: { parameters: ["i32", "buffer", "i32", "buffer", "i32"], result: "i32" },
  symlinkat: { parameters: ["buffer", "i32", "buffer"], result: "i32" },
  readlinkat: { parameters: ["i32", "buffer", "buffer", "usize"], result: "i32" },
  signal: { parameters: ["i32", "usize"], result: "usize" },
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

const encoder = new TextEncoder();

/** A reused buffer for a path as a C string; each call of `of` overwrites it. */
class CString {
  #bytes = new Uint8Array(4097 * 3);

  of(text: string): Uint8Array<ArrayBuffer> {
    if (this.#takesShortAscii(text)) return this.#bytes;
    const { read, written } = encoder.encodeInto(text, this.#bytes);
    if (read < text.length || written >= this.#bytes.length) throw new FileError("ENAMETOOLONG");
    this.#bytes[written] = 0;
    return this.#bytes;
  }

  /** Hot path (bench: `files`): a loop over short ASCII is faster than `encodeInto`. */
  #takesShortAscii(text: string): boolean {
    if (text.length > 32) return false;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code > 0x7f) return false;
      this.#bytes[at] = code;
    }
    this.#bytes[text.length] = 0;
    return true;
  }
}

/**
 * Makes the backend on Linux's C library (glibc or musl).
 *
 * @param options.openat2 whether the kernel has the call, which walks a whole path below a folder.
 * @throws Error when no C library can be loaded, for example without `--allow-ffi`.
 * @see https://man7.org/linux/man-pages/man2/openat2.2.html
 */
export function createLibcBackend(options: { openat2: boolean }): FileBackend {
  const machine = machines[Deno.build.arch];
  const libc = loadCLibrary(symbols);
  const location = libc.__errno_location();
  if (location === null) throw new Error("the C library has no errno");
  // `errno` is thread-local, and an isolate never changes its thread.
  const errno = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(location, 4));

  // A write past RLIMIT_FSIZE fails with EFBIG then, instead of ending the process.
  libc.signal(SIGXFSZ, SIG_IGN);

  const first = new CString();
  const second = new CString();
  const empty = new Uint8Array(1);
  const openHow = new BigUint64Array([0n, 0n, BigInt(RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS)]);
  const timespecs = new BigInt64Array(4);
  const statxBytes = new Uint8Array(256);
  const statx = new DataView(statxBytes.buffer);
  const statfsBytes = new Uint8Array(256);
  const statfs = new DataView(statfsBytes.buffer);
  const processDevices = new Map<bigint, boolean>();
  const listingBytes = new Uint8Array(32_768);
  const listing = new DataView(listingBytes.buffer);

  const fail = (): never => {
    throw new FileError(linuxErrors[errno[0] ?? 0] ?? "EIO");
  };
  const done = (result: number): number => result < 0 ? fail() : result;

  const openBeneath = (folder: number, path: string, flags: number, mode: number): number => {
    openHow[0] = BigInt(linuxFlags(flags));
    openHow[1] = BigInt(flags & OpenFlags.create ? mode : 0);
    const bytes = first.of(path);
    // The kernel returns EAGAIN when a folder of the path is renamed meanwhile.
    for (let tries = 0;; tries++) {
      const handle = libc.openat2(openat2Number, folder, bytes, openHow, 24n);
      if (handle >= 0) return handle;
      const code = linuxErrors[errno[0] ?? 0];
      if (code === "EXDEV") throw new FileError("EOUTSIDE");
      if ((code !== "EAGAIN" && code !== "EINTR") || tries > 100) {
        throw new FileError(code ?? "EIO");
      }
    }
  };

  const fillStatx = (handle: number, path: Uint8Array<ArrayBuffer>, flags: number): void => {
    done(
      libc.statx(machine.statx, handle, path, flags, STATX_BASIC_STATS | STATX_BTIME, statxBytes),
    );
  };

  const fillTimes = (times: FileTimes): BigInt64Array<ArrayBuffer> => {
    fillTimespec(timespecs, 0, times.access);
    fillTimespec(timespecs, 2, times.modify);
    return timespecs;
  };

  return {
    openRoot: (path) => done(libc.open(first.of(path), O_DIRECTORY | O_CLOEXEC, 0)),
    identityAt(path) {
      fillStatx(AT_FDCWD, first.of(path), 0);
      return identityFrom(statx);
    },
    openStep: (folder, name, flags, mode) =>
      done(libc.openat(folder, first.of(name), linuxFlags(flags & ~OpenFlags.follow), mode)),
    ...(options.openat2 ? { openBeneath } : {}),
    close: (handle) => void libc.close(handle),

    read: (handle, bytes) =>
      done(libc.read(handle, bytes as Uint8Array<ArrayBuffer>, sizeOf(bytes))),
    readAt: (handle, bytes, offset) =>
      done(libc.pread(handle, bytes as Uint8Array<ArrayBuffer>, sizeOf(bytes), offset)),
    write: (handle, bytes) =>
      done(libc.write(handle, bytes as Uint8Array<ArrayBuffer>, sizeOf(bytes))),
    writeAt(handle, bytes, offset) {
      // Against POSIX, Linux appends with `pwrite`, too: take O_APPEND off meanwhile.
      const flags = done(libc.fcntl(handle, F_GETFL, 0));
      if (flags & O_APPEND) done(libc.fcntl(handle, F_SETFL, flags & ~O_APPEND));
      const written = libc.pwrite(handle, bytes as Uint8Array<ArrayBuffer>, sizeOf(bytes), offset);
      const failure = errno[0] ?? 0;
      if (flags & O_APPEND) libc.fcntl(handle, F_SETFL, flags);
      if (written < 0) throw new FileError(linuxErrors[failure] ?? "EIO");
      return written;
    },
    seek(handle, offset, whence) {
      const position = libc.lseek(handle, offset, whences[whence]);
      return position < 0n ? fail() : position;
    },
    resize: (handle, size) => void done(libc.ftruncate(handle, size)),
    allocate: (handle, offset, length) => void done(libc.fallocate(handle, 0, offset, length)),
    sync: (handle, dataOnly) => void done(dataOnly ? libc.fdatasync(handle) : libc.fsync(handle)),
    setAppend(handle, append) {
      const flags = done(libc.fcntl(handle, F_GETFL, 0));
      done(libc.fcntl(handle, F_SETFL, append ? flags | O_APPEND : flags & ~O_APPEND));
    },

    status(handle) {
      fillStatx(handle, empty, AT_EMPTY_PATH);
      return statusFrom(statx);
    },
    identity(handle) {
      fillStatx(handle, empty, AT_EMPTY_PATH);
      return identityFrom(statx);
    },
    isProcess(handle, identity) {
      let found = processDevices.get(identity.device);
      if (found === undefined) {
        done(libc.fstatfs(handle, statfsBytes));
        found = statfs.getUint32(0, true) === PROC_SUPER_MAGIC;
        processDevices.set(identity.device, found);
      }
      if (!found) return false;
      // System settings below /proc/sys say nothing about processes.
      const path = new Uint8Array(16);
      const length = done(
        libc.readlinkat(AT_FDCWD, first.of(`/proc/self/fd/${handle}`), path, sizeOf(path)),
      );
      return !new TextDecoder().decode(path.subarray(0, length)).startsWith("/proc/sys/");
    },
    statusOf(folder, name) {
      fillStatx(folder, first.of(name), AT_SYMLINK_NOFOLLOW);
      return statusFrom(statx);
    },
    setTimes(handle, times) {
      const values = fillTimes(times);
      if (libc.futimens(handle, values) === 0) return;
      if (linuxErrors[errno[0] ?? 0] !== "EBADF") fail();
      // An O_PATH descriptor.
      if (libc.utimensat(handle, empty, values, AT_EMPTY_PATH) === 0) return;
      if (linuxErrors[errno[0] ?? 0] !== "EINVAL") fail();
      // Before Linux 5.8: through its link in procfs, which leads to exactly that file.
      done(libc.utimensat(AT_FDCWD, first.of(`/proc/self/fd/${handle}`), values, 0));
    },
    setTimesOf: (folder, name, times) =>
      void done(libc.utimensat(folder, first.of(name), fillTimes(times), AT_SYMLINK_NOFOLLOW)),
    entries(handle, cookie, take) {
      if (libc.lseek(handle, cookie, whences.start) < 0n) fail();
      for (;;) {
        const length = done(
          libc.getdents64(machine.getdents64, handle, listingBytes, sizeOf(listingBytes)),
        );
        if (length === 0) return;
        for (let at = 0; at < length; at += listing.getUint16(at + 16, true)) {
          if (!take(entryAt(listing, at))) return;
        }
      }
    },

    makeFolder: (folder, name, mode) => void done(libc.mkdirat(folder, first.of(name), mode)),
    removeFolder: (folder, name) => void done(libc.unlinkat(folder, first.of(name), AT_REMOVEDIR)),
    unlink: (folder, name) => void done(libc.unlinkat(folder, first.of(name), 0)),
    rename: (folder, name, newFolder, newName) =>
      void done(libc.renameat(folder, first.of(name), newFolder, second.of(newName))),
    link: (folder, name, newFolder, newName) =>
      void done(libc.linkat(folder, first.of(name), newFolder, second.of(newName), 0)),
    symlink: (target, folder, name) =>
      void done(libc.symlinkat(first.of(target), folder, second.of(name))),
    readLink: (folder, name, into) =>
      done(libc.readlinkat(folder, first.of(name), into as Uint8Array<ArrayBuffer>, sizeOf(into))),
  };
}

/** Returns a buffer's size, at most what one call can move. */
function sizeOf(bytes: Uint8Array): bigint {
  return BigInt(bytes.length > maxTransfer ? maxTransfer : bytes.length);
}
