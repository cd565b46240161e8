import type { Env, Io } from "./io.ts";

/**
 * Makes a path of the command line absolute. `node:path` does the same and more, and its loading
 * would show in every cli call (bench: `cli`).
 */
export function absolutePath(path: string, io: Pick<Io, "cwd">): string {
  const isAbsolute = path.startsWith("/") ||
    (Deno.build.os === "windows" && /^(?:[A-Za-z]:)?[\\/]/.test(path));
  if (isAbsolute) return path;
  return `${io.cwd()}/${path.startsWith("./") ? path.replace(/^(?:\.\/)+/, "") : path}`;
}

/** Returns Capsule's folder in the user's cache folder; `undefined` for a user without a home. */
export function userCacheFolder(env: Env): string | undefined {
  const own = Deno.build.os === "windows" ? env.get("LOCALAPPDATA") : env.get("XDG_CACHE_HOME");
  if (own) return `${own}/capsule`;
  const home = env.get("HOME") || env.get("USERPROFILE");
  return home ? `${home}/.cache/capsule` : undefined;
}
