import type { Env } from "./io.ts";

/** Where this user's programs keep what can be had again, and in it Capsule's own folder; `undefined` for a user without a home. */
export function userCacheFolder(env: Env): string | undefined {
  const own = Deno.build.os === "windows" ? env.get("LOCALAPPDATA") : env.get("XDG_CACHE_HOME");
  if (own) return `${own}/capsule`;
  const home = env.get("HOME") || env.get("USERPROFILE");
  return home ? `${home}/.cache/capsule` : undefined;
}
