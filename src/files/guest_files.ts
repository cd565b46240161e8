import { type FileBackend, OpenFlags } from "./file_backend.ts";
import { FileError } from "./file_error.ts";
import type { FileGrants } from "./file_grants.ts";
import { type Folder, openFolder } from "./folder.ts";
import { type GrantedPath, grantedPaths } from "./granted_paths.ts";
import { systemBackend } from "./system_backend.ts";

/** Whole-file reads and writes for the host functions `ReadFile` and `WriteFile`. */
export interface GuestFiles {
  /**
   * Returns a file's bytes.
   *
   * @param beforeChunk is called before each block is read; what it throws ends the read.
   * @throws FileError with the system's code, or `DENIED` with the flag that would grant the path.
   */
  readFile(path: string, beforeChunk?: () => void): Uint8Array<ArrayBuffer>;
  /**
   * Creates the file (mode 0644) or truncates it, then writes.
   *
   * @param beforeChunk is called before each block is written; what it throws ends the write.
   * @throws FileError as `readFile` does.
   */
  writeFile(path: string, bytes: Uint8Array, beforeChunk?: () => void): void;
  /** Closes the granted folders; the next call opens them again. */
  close(): void;
}

const defaultMaxReadBytes = 256 * 1024 ** 2;
/** The number of bytes that a file is read beyond its reported size. */
const growthBytes = 65_536;
/** The number of bytes of one system call: few enough that a deadline is noticed in time. */
const transferBytes = 8 * 1024 ** 2;

/**
 * Opens files below granted folders. Each path is walked when it is used: neither `..` nor a link
 * leads out, and only regular files are opened. A guest names a file by its path relative to the
 * working directory, by its absolute path, or by either name that `-dir=HOST::GUEST` gives.
 *
 * Messages are Go's: `open <path>: no such file or directory`.
 *
 * @param backendOf is called when the first file is opened.
 */
export function createGuestFiles(
  grants: FileGrants,
  backendOf: () => FileBackend = systemBackend,
): GuestFiles {
  const folders = new Map<string, Folder>();
  const readable = grantedPaths(grants, grants.allowRead);
  const writable = grantedPaths(grants, grants.allowWrite);
  const maxReadBytes = grants.maxReadBytes ?? defaultMaxReadBytes;

  const folderAt = (host: string): Folder => {
    let folder = folders.get(host);
    if (!folder) {
      folder = openFolder(host, grants.ownFiles, backendOf());
      folders.set(host, folder);
    }
    return folder;
  };

  /** Opens a file below the first grant that its path does not leave. */
  const open = (
    path: string,
    candidates: (path: string) => readonly GrantedPath[],
    flag: "-allowRead" | "-allowWrite",
    flags: number,
    options: { mode?: number; truncate?: boolean } = {},
  ): { backend: FileBackend; handle: number } => {
    try {
      if (path === "") throw new FileError("ENOENT");
      if (path.includes("\0")) throw new FileError("EINVAL");
      for (const candidate of candidates(path)) {
        try {
          const folder = folderAt(candidate.folder);
          const follow = candidate.isFile ? 0 : OpenFlags.follow;
          const { handle, identity } = folder.open(candidate.below, flags | follow, options);
          if (identity.kind === "file") return { backend: folder.backend, handle };
          folder.backend.close(handle);
          throw new FileError(identity.kind === "directory" ? "EISDIR" : "EACCES");
        } catch (error) {
          if (!(error instanceof FileError) || error.code !== "EOUTSIDE") throw error;
        }
      }
      throw new FileError("DENIED", denial(path, grants, flag));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      throw new FileError(error.code, `open ${path}: ${error.message}`, { cause: error });
    }
  };

  return {
    readFile(path, beforeChunk) {
      const { backend, handle } = open(path, readable, "-allowRead", OpenFlags.read);
      try {
        return readAll(backend, handle, { maxBytes: maxReadBytes, beforeChunk });
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        throw new FileError(error.code, `read ${path}: ${error.message}`, { cause: error });
      } finally {
        backend.close(handle);
      }
    },
    writeFile(path, bytes, beforeChunk) {
      const flags = OpenFlags.write | OpenFlags.create;
      const { backend, handle } = open(path, writable, "-allowWrite", flags, {
        mode: 0o644,
        truncate: true,
      });
      try {
        for (let at = 0; at < bytes.length;) {
          beforeChunk?.();
          at += backend.write(handle, bytes.subarray(at, at + transferBytes));
        }
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        throw new FileError(error.code, `write ${path}: ${error.message}`, { cause: error });
      } finally {
        backend.close(handle);
      }
    },
    close() {
      for (const folder of folders.values()) folder.close();
      folders.clear();
    },
  };
}

function readAll(
  backend: FileBackend,
  handle: number,
  { maxBytes, beforeChunk }: { maxBytes: number; beforeChunk?: () => void },
): Uint8Array<ArrayBuffer> {
  const tooLarge = () => new FileError("EFBIG", `file too large: more than ${maxBytes} bytes`);
  const { size } = backend.status(handle);
  if (size > BigInt(maxBytes)) throw tooLarge();
  let bytes = new Uint8Array(Number(size));
  let length = 0;
  for (;;) {
    beforeChunk?.();
    // The file may have grown meanwhile: its end is where a read returns 0.
    if (length === bytes.length) {
      if (length > maxBytes) throw tooLarge();
      const more = new Uint8Array(growthBytes);
      const read = backend.read(handle, more);
      if (read === 0) return bytes;
      const grown = new Uint8Array(Math.max(2 * length, length + read));
      grown.set(bytes);
      grown.set(more.subarray(0, read), length);
      bytes = grown;
      length += read;
      continue;
    }
    const read = backend.read(handle, bytes.subarray(length, length + transferBytes));
    if (read === 0) return bytes.slice(0, length);
    length += read;
  }
}

/** Returns why a path is refused, and the flag that would allow it. */
function denial(path: string, grants: FileGrants, flag: "-allowRead" | "-allowWrite"): string {
  if (grants.sandbox) return "refused, as -sandbox grants no files";
  const given = flag === "-allowRead" ? grants.allowRead : grants.allowWrite;
  if (given) return `refused, as ${flag} does not name it: ${flag}=${path} would allow it`;
  const folder = path.slice(0, Math.max(path.lastIndexOf("/"), 0)) ||
    (path.startsWith("/") ? "/" : "..");
  return `refused, as it lies outside the working directory: -dir=${folder} would allow it`;
}
