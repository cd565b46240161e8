import type { FileGrants } from "./guest_files.ts";

/** Where a guest's path leads: to `below` in the folder `folder`. */
export interface Place {
  readonly folder: string;
  readonly below: string;
  /** A file that was granted by itself, which must not be a link to another. */
  readonly isFile: boolean;
}

/** Something granted. */
interface Grant {
  /** Absolute paths that name it, without a slash at the end. */
  readonly names: readonly string[];
  readonly folder: string;
  /** Of a file: its name in that folder. */
  readonly file?: string;
}

/**
 * Finds the granted places that a path may lie in. The one of which the path spells out most comes first; where a name
 * that `-dir` gave to a folder and a folder of that name are equal, the name that was given. Only text is compared here:
 * the walk that follows decides whether the path stays inside.
 */
export function grantedPlaces(
  grants: FileGrants,
  allowed: readonly string[] | undefined,
): (path: string) => readonly Place[] {
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

  return (path) => {
    // A slash at the end asks for a folder, so that it is kept.
    const end = /[^/]\/+$/.test(path) ? "/" : "";
    const names: { name: string; spelled: (base: string) => number }[] = [{
      name: toAbsolute(path),
      spelled: (base) => isAbsolute(path) ? base.length : Math.max(0, base.length - cwd.length - 1),
    }];
    for (const { host, guest } of dirs) {
      const below = pathBelow(tidy(path), guest);
      if (below !== undefined) {
        names.push({
          name: tidy(`${host}/${below}`),
          spelled: () => guest.length + 0.5,
        });
      }
    }
    const found: (Place & { spelled: number; length: number })[] = [];
    for (const { name, spelled } of names) {
      for (const grant of granted) {
        for (const base of grant.names) {
          const below = pathBelow(name, base);
          if (below === undefined || (grant.file !== undefined && below !== ".")) continue;
          const place = {
            folder: grant.folder,
            below: (grant.file ?? below) + end,
            isFile: grant.file !== undefined,
          };
          found.push({ ...place, spelled: spelled(base), length: base.length });
        }
      }
    }
    return found.sort((a, b) => b.spelled - a.spelled || b.length - a.length);
  };
}

function folderGrant(path: string): Grant {
  return { names: [...new Set([path, withoutDots(path)])], folder: path };
}

/** A file or a folder from a list; one that is not there yet is a file to be written. */
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

/** What of the path lies below `base`: `.` for the base itself, `undefined` when it is elsewhere. */
function pathBelow(path: string, base: string): string | undefined {
  if (path === base) return ".";
  // The working directory under its own name: all that is not absolute.
  if (base === "") return isAbsolute(path) ? undefined : path;
  const prefix = base.endsWith("/") ? base : `${base}/`;
  return path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
}

function isAbsolute(path: string): boolean {
  return path.startsWith("/") || (Deno.build.os === "windows" && /^([A-Za-z]:|\\)/.test(path));
}

/** Without `.` steps, repeated slashes and a slash at the end; `..` stays, since a link may stand before it. */
function tidy(path: string): string {
  const slashed = Deno.build.os === "windows" ? path.replaceAll("\\", "/") : path;
  const steps = slashed.split("/").filter((step) => step !== "" && step !== ".");
  return (slashed.startsWith("/") ? "/" : "") + steps.join("/");
}

/** With `..` taken out as text, for folders that a person named. */
function withoutDots(path: string): string {
  const steps: string[] = [];
  for (const step of path.split("/")) {
    if (step === "..") steps.pop();
    else if (step !== "") steps.push(step);
  }
  return (path.startsWith("/") ? "/" : "") + steps.join("/");
}
