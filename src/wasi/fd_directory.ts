import type { Folder } from "../files/folder.ts";
import { FileType, fileTypeOf, refuse, Right } from "./preview1.ts";
import type { WasiState } from "./state.ts";
import { checkRange } from "./wire.ts";

const prestatBytes = 8;
const direntBytes = 24;
const dotDot = [0x2e, 0x2e];
/** Entries between two checks of the deadline. */
const entriesPerCheck = 1024;

/** Makes the functions that list directories and name the preopened ones. */
export function fdDirectoryFunctions(state: WasiState) {
  const { memory, descriptors } = state;

  const preopenName = (fd: number): Uint8Array => {
    const descriptor = descriptors.get(fd);
    const name = descriptor.kind === "directory" ? descriptor.preopenName : undefined;
    return name ?? refuse("EBADF");
  };

  return {
    fd_prestat_dir_name(fd: number, path: number, path_len: number): number {
      path >>>= 0;
      path_len >>>= 0;
      const name = preopenName(fd >>> 0);
      checkRange(memory, path, path_len);
      if (path_len < name.length) refuse("ENAMETOOLONG");
      memory.bytes.set(name, path);
      return 0;
    },

    /** Writes a `prestat`: a directory (0) with a name of 5 bytes is `00 00 00 00 05 00 00 00`. */
    fd_prestat_get(fd: number, buf: number): number {
      buf >>>= 0;
      checkRange(memory, buf, prestatBytes);
      const name = preopenName(fd >>> 0);
      memory.view.setUint32(buf, 0, true);
      memory.view.setUint32(buf + 4, name.length, true);
      return 0;
    },

    /**
     * Writes `dirent`s from `cookie` on, the last one cut at the end of the buffer: a buffer that
     * is not full ends the listing. The entry `ab`, a file with inode 7, next cookie 9, is
     *
     *     09 00 00 00 00 00 00 00   07 00 00 00 00 00 00 00   02 00 00 00   04 00 00 00   61 62
     */
    fd_readdir(fd: number, buf: number, buf_len: number, cookie: bigint, bufused: number): number {
      state.nondeterministicCalls++;
      buf >>>= 0;
      buf_len >>>= 0;
      bufused >>>= 0;
      checkRange(memory, buf, buf_len);
      checkRange(memory, bufused, 4);
      const { folder, preopenName } = descriptors.directory(fd >>> 0, Right.fdReaddir);
      if (cookie < 0n) refuse("EINVAL");
      const bytes = memory.bytes;
      const end = buf + buf_len;
      const entryBytes = new Uint8Array(direntBytes);
      const entryView = new DataView(entryBytes.buffer);
      let at = buf;
      let entries = 0;
      const put = (source: Uint8Array) => {
        bytes.set(source.subarray(0, end - at), at);
        at = Math.min(end, at + source.length);
      };
      folder.backend.entries(folder.handle, cookie, ({ name, inode, kind, next }) => {
        if (++entries % entriesPerCheck === 0) state.assertInTime();
        // `..` of a preopened directory has the inode of `.`: nothing above it is revealed.
        const isAbove = preopenName !== undefined && name.length === 2 &&
          dotDot.every((byte, i) => name[i] === byte);
        const ino = isAbove ? folder.backend.identity(folder.handle).inode : inode;
        const type = kind === "unknown" ? typeByStatus(folder, name) : fileTypeOf(kind);
        entryView.setBigUint64(0, next, true);
        entryView.setBigUint64(8, ino, true);
        entryView.setUint32(16, name.length, true);
        entryView.setUint32(20, type, true);
        put(entryBytes);
        put(name);
        return at < end;
      });
      memory.view.setUint32(bufused, at - buf, true);
      return 0;
    },
  };
}

/** Returns the type of an entry whose listing does not contain it. */
function typeByStatus(folder: Folder, name: Uint8Array): number {
  try {
    const path = new TextDecoder("utf-8", { fatal: true }).decode(name);
    return fileTypeOf(folder.status(path, false).kind);
  } catch {
    return FileType.unknown;
  }
}
