import type { Folder } from "../files/folder.ts";
import { FileType, fileTypeOf, refuse, Right } from "./preview1.ts";
import type { State } from "./state.ts";
import { checkRange } from "./wire.ts";

const prestatBytes = 8;
const direntBytes = 24;
const dotDot = [0x2e, 0x2e];

/** What lists folders, and tells which were granted. */
export function fdFolderFunctions(state: State) {
  const { memory, descriptors } = state;

  const preopenName = (fd: number): Uint8Array => {
    const descriptor = descriptors.get(fd);
    return (descriptor.kind === "folder" ? descriptor.preopenName : undefined) ?? refuse("EBADF");
  };

  return {
    fd_prestat_dir_name(fd: number, path: number, length: number): number {
      path >>>= 0;
      length >>>= 0;
      const name = preopenName(fd >>> 0);
      checkRange(memory, path, length);
      if (length < name.length) refuse("ENAMETOOLONG");
      memory.bytes.set(name, path);
      return 0;
    },

    /** A folder (type 0) whose name has 5 bytes: `00 00 00 00 05 00 00 00`. */
    fd_prestat_get(fd: number, result: number): number {
      result >>>= 0;
      checkRange(memory, result, prestatBytes);
      const name = preopenName(fd >>> 0);
      memory.view.setUint32(result, 0, true);
      memory.view.setUint32(result + 4, name.length, true);
      return 0;
    },

    /**
     * Fills the buffer with entries from `cookie` on. The last one is cut where the buffer ends, so a buffer that was
     * not filled is the end of the listing. The entry `ab`, a file with inode 7, and more behind cookie 9:
     *
     *     09 00 00 00 00 00 00 00   07 00 00 00 00 00 00 00   02 00 00 00   04 00 00 00   61 62
     */
    fd_readdir(fd: number, buffer: number, length: number, cookie: bigint, result: number): number {
      state.nondeterministicCalls++;
      buffer >>>= 0;
      length >>>= 0;
      result >>>= 0;
      checkRange(memory, buffer, length);
      checkRange(memory, result, 4);
      const { folder, preopenName: granted } = descriptors.folder(fd >>> 0, Right.fdReaddir);
      if (cookie < 0n) refuse("EINVAL");
      const bytes = memory.bytes;
      const end = buffer + length;
      const entryBytes = new Uint8Array(direntBytes);
      const entryView = new DataView(entryBytes.buffer);
      let at = buffer;
      const put = (source: Uint8Array) => {
        bytes.set(source.subarray(0, end - at), at);
        at = Math.min(end, at + source.length);
      };
      folder.backend.entries(folder.handle, cookie, ({ name, inode, kind, next }) => {
        // What lies above a granted folder is none of the guest's business, not even its number.
        const isAbove = granted !== undefined && name.length === 2 &&
          dotDot.every((byte, i) => name[i] === byte);
        const known = kind === "unknown" ? typeByLooking(folder, name) : fileTypeOf(kind);
        entryView.setBigUint64(0, next, true);
        entryView.setBigUint64(
          8,
          isAbove ? folder.backend.identity(folder.handle).inode : inode,
          true,
        );
        entryView.setUint32(16, name.length, true);
        entryView.setUint32(20, known, true);
        put(entryBytes);
        put(name);
        return at < end;
      });
      memory.view.setUint32(result, at - buffer, true);
      return 0;
    },
  };
}

/** The type of an entry where the listing does not tell it. */
function typeByLooking(folder: Folder, name: Uint8Array): number {
  try {
    return fileTypeOf(
      folder.status(new TextDecoder("utf-8", { fatal: true }).decode(name), false).kind,
    );
  } catch {
    return FileType.unknown;
  }
}
