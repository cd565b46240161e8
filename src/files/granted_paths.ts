import type { FileGrants } from "./file_grants.ts";

/** A guest's path inside a grant: the path `below` in the folder `folder` of this machine. */
export interface GrantedPath {
  readonly folder: string;
  readonly below: string;
  /** Set for a file that was granted by itself, which must not be a link to another. */
  readonly isFile: boolean;
}

interface Grant {
  /** Absolute paths of the granted file or folder, without a slash at the end. */
  readonly names: readonly string[];
  readonly folder: string;
  /** Name of a granted file in that folder. */
  readonly file?: string;
}

/**
 * Returns a function that finds the grants that a guest's path may lie in, the grant that shares
 * the longest prefix with the path first. A guest's name for a folder (`-dir=HOST::GUEST`) beats a
 * folder of that name on this machine. Only text is compared: the walk that follows decides whether
 * the path stays inside.
 */
export function grantedPaths(
  grants: FileGrants,
  allowed: readonly string[] | undefined,
): (path: string) => readonly GrantedPath[] {
  if (grants.sandbox) return () => [];
  const toAbsolute = (path: string) => tidy(isAbsolute(path) ? path : `${grants.cwd}/${path}`);
  const cwd = tidy(grants.cwd);
  const dirs = grants.dirs.map(({ host, guest }) => ({
    host: toAbsolute(host),
    guest: tidy(guest),
  }));
  const granted: Grant[] = allowed
    ? allowed.map((path) => allowedGrant(toAbsolute(path)))
    : [grants.cwd, ...dirs.map((dir) => dir.host)].map((path) => folderGrant(toAbsolute(path)));

  /** Returns the absolute paths that a guest's path may mean, each with the length of its match. */
  const spellings = (path: string) => {
    const found: { name: string; spelled: (base: string) => number }[] = [{
      name: toAbsolute(path),
      spelled: (base) => isAbsolute(path) ? base.length : Math.max(0, base.length - cwd.length - 1),
    }];
    for (const { host, guest } of dirs) {
      const below = pathBelow(tidy(path), guest);
      if (below === undefined) continue;
      found.push({ name: tidy(`${host}/${below}`), spelled: () => guest.length + 0.5 });
    }
    return found;
  };

  return (path) => {
    // A slash at the end asks for a folder: keep it.
    const end = /[^/]\/+$/.test(path) ? "/" : "";
    const found: (GrantedPath & { spelled: number; length: number })[] = [];
    for (const { name, spelled } of spellings(path)) {
      for (const grant of granted) {
        for (const base of grant.names) {
          const below = pathBelow(name, base);
          if (below === undefined || (grant.file !== undefined && below !== ".")) continue;
          found.push({
            folder: grant.folder,
            below: (grant.file ?? below) + end,
            isFile: grant.file !== undefined,
            spelled: spelled(base),
            length: base.length,
          });
        }
      }
    }
    return found.sort((a, b) => b.spelled - a.spelled || b.length - a.length);
  };
}

function folderGrant(path: string): Grant {
  return { names: [...new Set([path, withoutDots(path)])], folder: path };
}

/** Returns the grant of a listed path; a path that does not exist is a file to be created. */
function allowedGrant(path: string): Grant {
  const names = [...new Set([path, withoutDots(path)])];
  let real = path;
  try {
    real = tidy(Deno.realPathSync(path));
    if (Deno.statSync(real).isDirectory) return { names, folder: path };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) return { names, folder: path };
  }
  const slash = real.lastIndexOf("/");
  return { names, folder: real.slice(0, slash) || "/", file: real.slice(slash + 1) };
}

/** Returns the part of `path` below `base`, `.` for the base itself, undefined if elsewhere. */
function pathBelow(path: string, base: string): string | undefined {
  if (path === base) return ".";
  // The empty base is the working directory: every relative path lies below it.
  if (base === "") return isAbsolute(path) ? undefined : path;
  const prefix = base.endsWith("/") ? base : `${base}/`;
  return path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
}

function isAbsolute(path: string): boolean {
  return path.startsWith("/") || (Deno.build.os === "windows" && /^([A-Za-z]:|\\)/.test(path));
}

/**
 * Removes `.` steps, repeated slashes and a slash at the end. `..` stays: the step before it may be
 * a link.
 */
function tidy(path: string): string {
  const slashed = Deno.build.os === "windows" ? path.replaceAll("\\", "/") : path;
  const steps = slashed.split("/").filter((step) => step !== "" && step !== ".");
  return (slashed.startsWith("/") ? "/" : "") + steps.join("/");
}

/** Resolves `..` as text, for paths of the command line. */
function withoutDots(path: string): string {
  const steps: string[] = [];
  for (const step of path.split("/")) {
    if (step === "..") steps.pop();
    else if (step !== "") steps.push(step);
  }
  return (path.startsWith("/") ? "/" : "") + steps.join("/");
}
