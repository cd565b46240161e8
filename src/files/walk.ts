import { FileError } from "./file_error.ts";
import { type FileBackend, OpenFlags } from "./file_backend.ts";

/** Most symbolic links that one walk follows, as in Linux. */
export const maxLinks = 40;

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Opens `path` below `root` and never leaves `root`, whatever other processes rename or replace
 * meanwhile. Throws `EOUTSIDE` for an absolute path, for `..` above the root, and for a symbolic
 * link that does either.
 *
 * Uses `openat2` where the system has it; elsewhere it opens step by step, each step from the
 * folder opened before and without following links, so that the file that was checked is the file
 * that is used. The rules are those of `RESOLVE_BENEATH`.
 *
 * @see https://man7.org/linux/man-pages/man2/openat2.2.html
 */
export function openBeneath(
  backend: FileBackend,
  root: number,
  path: string,
  flags: number,
  mode = 0,
): number {
  if (path === "") throw new FileError("ENOENT");
  if (path.startsWith("/")) throw new FileError("EOUTSIDE");
  if (backend.openBeneath) return backend.openBeneath(root, path, flags, mode);
  return walk(backend, root, path, flags, mode);
}

function walk(
  backend: FileBackend,
  root: number,
  path: string,
  flags: number,
  mode: number,
): number {
  const opened: number[] = [];
  const here = () => opened.at(-1) ?? root;
  const todo = path.split("/").reverse();
  let links = 0;

  /** Replaces the step `name` by the text of that link. Returns false when it is not a link. */
  const expand = (name: string): boolean => {
    const target = linkText(backend, here(), name);
    if (target === undefined) return false;
    if (++links > maxLinks) throw new FileError("ELOOP");
    if (target === "") throw new FileError("ENOENT");
    if (target.startsWith("/")) throw new FileError("EOUTSIDE");
    todo.push(...target.split("/").reverse());
    return true;
  };

  try {
    for (;;) {
      const name = todo.pop();
      if (name === undefined) {
        // The path ended in a dot or a slash: it names a folder that is already open.
        if (flags & OpenFlags.create) {
          throw new FileError(flags & OpenFlags.exclusive ? "EEXIST" : "EISDIR");
        }
        return backend.openStep(here(), ".", flags, 0);
      }
      if (name === "" || name === ".") continue;
      if (name === "..") {
        const left = opened.pop();
        if (left === undefined) throw new FileError("EOUTSIDE");
        backend.close(left);
        continue;
      }
      // `open` cannot create a folder, so a slash behind the last step is an error.
      if (flags & OpenFlags.create && todo.length > 0 && todo.every((step) => step === "")) {
        throw new FileError("EISDIR");
      }
      if (todo.length === 0) {
        // With `nameOnly`, opening a link would return the link itself: expand it first.
        const follows = flags & OpenFlags.follow && !(flags & OpenFlags.exclusive);
        if (follows && expand(name)) continue;
        return backend.openStep(here(), name, flags, mode);
      }
      // Only slashes and dots may be left: then this is the last step and must be a folder.
      try {
        const flags = OpenFlags.directory | OpenFlags.nameOnly;
        opened.push(backend.openStep(here(), name, flags, 0));
      } catch (error) {
        const code = error instanceof FileError ? error.code : "";
        if ((code !== "ENOTDIR" && code !== "ELOOP") || !expand(name)) throw error;
      }
    }
  } finally {
    for (const handle of opened) backend.close(handle);
  }
}

/** Returns a symbolic link's text, or undefined when `name` is not a link or does not exist. */
export function linkText(backend: FileBackend, folder: number, name: string): string | undefined {
  const bytes = new Uint8Array(4096);
  try {
    return decoder.decode(bytes.subarray(0, backend.readLink(folder, name, bytes)));
  } catch (error) {
    if (error instanceof FileError && (error.code === "EINVAL" || error.code === "ENOENT")) {
      return undefined;
    }
    if (error instanceof TypeError) throw new FileError("EILSEQ");
    throw error;
  }
}

/** The open folder that contains a path's last step, and the name of that step. */
export interface ParentFolder {
  readonly folder: number;
  /** Has one slash at its end when the path had any: it must then be a folder. */
  readonly name: string;
  /** Closes the folder. */
  [Symbol.dispose](): void;
}

const nothing = () => {};

/**
 * Opens the folder that contains a path's last step, for calls that change the folder. They never
 * follow the last step, not even with a slash behind it.
 */
export function parentOf(backend: FileBackend, root: number, path: string): ParentFolder {
  if (path === "") throw new FileError("ENOENT");
  let end = path.length;
  while (end > 0 && path.charCodeAt(end - 1) === 0x2f) end--;
  const slash = path.lastIndexOf("/", end - 1);
  const last = path.slice(slash + 1, end);
  const name = end < path.length ? `${last}/` : last;
  if (path.startsWith("/")) throw new FileError("EOUTSIDE");
  const flags = OpenFlags.nameOnly | OpenFlags.directory | OpenFlags.follow;
  // Refuses a `..` that leaves the root; one that stays inside is refused by the call itself.
  if (last === "..") backend.close(openBeneath(backend, root, path, flags));
  if (slash < 0) return { folder: root, name, [Symbol.dispose]: nothing };
  const folder = openBeneath(backend, root, path.slice(0, slash + 1), flags);
  return { folder, name, [Symbol.dispose]: () => backend.close(folder) };
}
