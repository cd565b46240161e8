import { FileError } from "./file_error.ts";
import type { Folder } from "./folder.ts";
import { grantedPlaces, type Place } from "./granted_places.ts";
import { How, type Kernel } from "./kernel.ts";
import { openFolder } from "./open_folder.ts";
import { systemKernel } from "./system_kernel.ts";

/** Which files the host functions `ReadFile` and `WriteFile` reach. */
export interface FileGrants {
  /** The working directory, absolute: granted unless a list below says otherwise. */
  readonly cwd: string;
  /** Further folders: where they are and how a guest names them. */
  readonly dirs: readonly { readonly host: string; readonly guest: string }[];
  /** Files and folders that may be read; when given, they are all there is. */
  readonly allowRead?: readonly string[];
  /** The same for writing. */
  readonly allowWrite?: readonly string[];
  /** The launcher's own files, never reached, wherever they lie and by whatever name. */
  readonly ownFiles: readonly string[];
  /** Nothing at all is granted. */
  readonly sandbox: boolean;
  /** The largest file that is read, in bytes. Default: 256 MiB. */
  readonly maxReadBytes?: number;
}

/** Files as a guest reads and writes them whole. */
export interface GuestFiles {
  /** A file's bytes. @throws FileError with the system's code, or `DENIED` with the flag that would allow it. */
  readFile(path: string): Uint8Array<ArrayBuffer>;
  /** Makes the file (mode 0644) or empties it, then writes. @throws FileError as `readFile` does. */
  writeFile(path: string, bytes: Uint8Array): void;
  /** Closes the granted folders; the next call opens them again. */
  close(): void;
}

const defaultMaxReadBytes = 256 * 1024 ** 2;
const chunkBytes = 65_536;

/**
 * Files below granted folders, each path walked when it is used: neither `..` nor a link leads out, and only regular
 * files are opened. A guest names a file by its path from the working directory, by its absolute path, or by the path
 * as `-dir` gives it, on either side of the `::`.
 *
 * Messages are Go's: `open <path>: no such file or directory`. `kernelOf` is asked when the first file is touched.
 */
export function createGuestFiles(
  grants: FileGrants,
  kernelOf: () => Kernel = systemKernel,
): GuestFiles {
  const folders = new Map<string, Folder>();
  const readable = grantedPlaces(grants, grants.allowRead);
  const writable = grantedPlaces(grants, grants.allowWrite);
  const maxReadBytes = grants.maxReadBytes ?? defaultMaxReadBytes;

  const folderAt = (host: string): Folder => {
    let folder = folders.get(host);
    if (!folder) {
      folder = openFolder(host, grants.ownFiles, kernelOf());
      folders.set(host, folder);
    }
    return folder;
  };

  /** Opens the file in the first place that the path lies in and does not leave. */
  const open = (
    path: string,
    places: (path: string) => readonly Place[],
    flag: "-allowRead" | "-allowWrite",
    how: number,
    options: { mode?: number; truncate?: boolean } = {},
  ): { kernel: Kernel; handle: number } => {
    try {
      if (path === "") throw new FileError("ENOENT");
      if (path.includes("\0")) throw new FileError("EINVAL");
      for (const place of places(path)) {
        try {
          const folder = folderAt(place.folder);
          const follow = place.isFile ? 0 : How.follow;
          const { handle, identity } = folder.open(place.below, how | follow, options);
          if (identity.kind === "file") return { kernel: folder.kernel, handle };
          folder.kernel.close(handle);
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
    readFile(path) {
      const { kernel, handle } = open(path, readable, "-allowRead", How.read);
      try {
        return readAll(kernel, handle, maxReadBytes);
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        throw new FileError(error.code, `read ${path}: ${error.message}`, { cause: error });
      } finally {
        kernel.close(handle);
      }
    },
    writeFile(path, bytes) {
      const { kernel, handle } = open(path, writable, "-allowWrite", How.write | How.create, {
        mode: 0o644,
        truncate: true,
      });
      try {
        for (let rest = bytes; rest.length > 0;) rest = rest.subarray(kernel.write(handle, rest));
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        throw new FileError(error.code, `write ${path}: ${error.message}`, { cause: error });
      } finally {
        kernel.close(handle);
      }
    },
    close() {
      for (const folder of folders.values()) folder.close();
      folders.clear();
    },
  };
}

function readAll(kernel: Kernel, handle: number, maxBytes: number): Uint8Array<ArrayBuffer> {
  const tooLarge = () => new FileError("EFBIG", `file too large: more than ${maxBytes} bytes`);
  const { size } = kernel.status(handle);
  if (size > BigInt(maxBytes)) throw tooLarge();
  let bytes = new Uint8Array(Number(size));
  let length = 0;
  for (;;) {
    // The file may have grown since it was asked for its size, so the end is where nothing more comes.
    if (length === bytes.length) {
      if (length > maxBytes) throw tooLarge();
      const more = new Uint8Array(chunkBytes);
      const read = kernel.read(handle, more);
      if (read === 0) return bytes;
      const grown = new Uint8Array(length + read);
      grown.set(bytes);
      grown.set(more.subarray(0, read), length);
      bytes = grown;
      length += read;
      continue;
    }
    const read = kernel.read(handle, bytes.subarray(length));
    if (read === 0) return bytes.slice(0, length);
    length += read;
  }
}

/** Why a path is refused, and what would allow it. */
function denial(path: string, grants: FileGrants, flag: "-allowRead" | "-allowWrite"): string {
  if (grants.sandbox) return "refused, as -sandbox grants no files";
  const given = flag === "-allowRead" ? grants.allowRead : grants.allowWrite;
  if (given) return `refused, as ${flag} does not name it: ${flag}=${path} would allow it`;
  const folder = path.slice(0, Math.max(path.lastIndexOf("/"), 0)) ||
    (path.startsWith("/") ? "/" : "..");
  return `refused, as it lies outside the working directory: -dir=${folder} would allow it`;
}
