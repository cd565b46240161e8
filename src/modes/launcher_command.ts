import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** What starts a launcher: this very program, also when it is compiled, or the one at that path. */
export function launcherCommand(path: string | undefined, cwd: string): [string, ...string[]] {
  if (path !== undefined) return [/[\\/]/.test(path) ? resolve(cwd, path) : path];
  if (Deno.build.standalone) return [Deno.execPath()];
  return [Deno.execPath(), "run", "-A", fileURLToPath(new URL("../../main.ts", import.meta.url))];
}
