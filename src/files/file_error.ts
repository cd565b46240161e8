import { CapsuleError } from "../base/errors.ts";

/**
 * A failed file operation. `code` is the system's name of the error (`ENOENT`, `EACCES`, …), or
 * `EOUTSIDE`: the path leads out of the granted folder.
 */
export class FileError extends CapsuleError {
  constructor(code: string, message?: string, options?: ErrorOptions) {
    super(code, message ?? textOfCode(code), options);
    this.name = "FileError";
  }
}

/** Reports whether `error` is a `FileError` with that code. */
export function isFileError(error: unknown, code: string): boolean {
  return error instanceof FileError && error.code === code;
}

/** Go's texts, which Go programs print and compare. */
const messages: Record<string, string> = {
  E2BIG: "argument list too long",
  EACCES: "permission denied",
  EAGAIN: "resource temporarily unavailable",
  EBADF: "bad file descriptor",
  EBUSY: "device or resource busy",
  EDQUOT: "disk quota exceeded",
  EEXIST: "file exists",
  EFBIG: "file too large",
  EINVAL: "invalid argument",
  EIO: "input/output error",
  EISDIR: "is a directory",
  ELOOP: "too many levels of symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "file name too long",
  ENFILE: "too many open files in system",
  ENODEV: "no such device",
  ENOENT: "no such file or directory",
  ENOMEM: "cannot allocate memory",
  ENOSPC: "no space left on device",
  ENOTDIR: "not a directory",
  ENOTEMPTY: "directory not empty",
  ENOTSUP: "operation not supported",
  ENXIO: "no such device or address",
  EOUTSIDE: "outside the granted folder",
  EPERM: "operation not permitted",
  EPIPE: "broken pipe",
  EROFS: "read-only file system",
  ESPIPE: "illegal seek",
  ETXTBSY: "text file busy",
  EXDEV: "invalid cross-device link",
};

/** Returns the text of an error code, or the code itself. */
export function textOfCode(code: string): string {
  return messages[code] ?? code;
}
