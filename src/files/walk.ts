import { FileError } from "./file_error.ts";
import { How, type Kernel } from "./kernel.ts";

/** Links followed in one walk, at most, as in Linux. */
export const maxLinks = 40;

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Opens what `path` leads to from `root` and never leaves it: `..` above it, an absolute path and a link that does
 * either are refused with `EOUTSIDE`, whatever other programs rename or replace meanwhile. One call where the system
 * has `openat2`; elsewhere folder by folder, each step opened from the one before it without following links, so
 * that what was checked is what is used.
 *
 * The rules are those of `RESOLVE_BENEATH`: @see https://man7.org/linux/man-pages/man2/openat2.2.html
 */
export function openBeneath(
  kernel: Kernel,
  root: number,
  path: string,
  how: number,
  mode = 0,
): number {
  if (path === "") throw new FileError("ENOENT");
  if (path.startsWith("/")) throw new FileError("EOUTSIDE");
  if (kernel.openBeneath) return kernel.openBeneath(root, path, how, mode);
  return walk(kernel, root, path, how, mode);
}

/** The same without `openat2`. */
function walk(kernel: Kernel, root: number, path: string, how: number, mode: number): number {
  const opened: number[] = [];
  const here = () => opened.at(-1) ?? root;
  const todo = path.split("/").reverse();
  let links = 0;

  /** Puts what the link `name` says in front of what is left to walk. Answers false when it is no link. */
  const expand = (name: string): boolean => {
    const target = linkText(kernel, here(), name);
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
      if (name === undefined) return openFolder(kernel, here(), how);
      if (name === "" || name === ".") continue;
      if (name === "..") {
        const left = opened.pop();
        if (left === undefined) throw new FileError("EOUTSIDE");
        kernel.close(left);
        continue;
      }
      // No file can be made where a folder is asked for.
      if (how & How.create && todo.length > 0 && todo.every((step) => step === "")) {
        throw new FileError("EISDIR");
      }
      if (todo.length === 0) {
        const last = openLast(kernel, here(), name, how, mode, () => expand(name));
        if (last !== undefined) return last;
        continue;
      }
      // What is left may be only slashes and dots: then this is the last step, and it must be a folder.
      try {
        opened.push(kernel.openStep(here(), name, How.directory | How.nameOnly, 0));
      } catch (error) {
        const code = error instanceof FileError ? error.code : "";
        if ((code !== "ENOTDIR" && code !== "ELOOP") || !expand(name)) throw error;
      }
    }
  } finally {
    for (const handle of opened) kernel.close(handle);
  }
}

/** Opens the folder that a path ends in by a dot or a slash. */
function openFolder(kernel: Kernel, folder: number, how: number): number {
  if (how & How.create) throw new FileError(how & How.exclusive ? "EEXIST" : "EISDIR");
  return kernel.openStep(folder, ".", how, 0);
}

/** Opens a path's last step; `undefined` when it was a link and its text is to be walked first. */
function openLast(
  kernel: Kernel,
  folder: number,
  name: string,
  how: number,
  mode: number,
  expand: () => boolean,
): number | undefined {
  const follow = (how & How.follow) !== 0 && (how & How.exclusive) === 0;
  // A handle that only names would name the link itself, so links are looked for first.
  if (follow && expand()) return undefined;
  return kernel.openStep(folder, name, how, mode);
}

/** A link's text; `undefined` when the name is no link or nothing. */
export function linkText(kernel: Kernel, folder: number, name: string): string | undefined {
  const bytes = new Uint8Array(4096);
  try {
    return decoder.decode(bytes.subarray(0, kernel.readLink(folder, name, bytes)));
  } catch (error) {
    if (error instanceof FileError && (error.code === "EINVAL" || error.code === "ENOENT")) {
      return undefined;
    }
    if (error instanceof TypeError) throw new FileError("EILSEQ");
    throw error;
  }
}

/** The folder that holds a path's last step, and that step's name. */
export interface Parent {
  readonly folder: number;
  /** With one slash at its end when the path had any: it must then be a folder. */
  readonly name: string;
  /** Gives the folder back. */
  [Symbol.dispose](): void;
}

const nothing = () => {};

/**
 * Walks to the folder that holds a path's last step, for calls that change the folder. Those never follow that last
 * step, not even with a slash behind it.
 */
export function parentOf(kernel: Kernel, root: number, path: string): Parent {
  if (path === "") throw new FileError("ENOENT");
  let end = path.length;
  while (end > 0 && path.charCodeAt(end - 1) === 0x2f) end--;
  const slash = path.lastIndexOf("/", end - 1);
  const last = path.slice(slash + 1, end);
  const name = end < path.length ? `${last}/` : last;
  if (path.startsWith("/")) throw new FileError("EOUTSIDE");
  // `..` must be seen not to leave before anything is done with it; the calls themselves refuse it then.
  if (last === "..") {
    kernel.close(openBeneath(kernel, root, path, How.nameOnly | How.directory | How.follow));
  }
  if (slash < 0) return { folder: root, name, [Symbol.dispose]: nothing };
  const folder = openBeneath(
    kernel,
    root,
    path.slice(0, slash + 1),
    How.nameOnly | How.directory | How.follow,
  );
  return { folder, name, [Symbol.dispose]: () => kernel.close(folder) };
}
