import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Returns the command that starts Capsule in another process: this program, or the one at `path`.
 */
export function capsuleCommand(path: string | undefined, cwd: string): [string, ...string[]] {
  if (path !== undefined) return [/[\\/]/.test(path) ? resolve(cwd, path) : path];
  if (Deno.build.standalone) return [Deno.execPath()];
  return [Deno.execPath(), "run", "-A", fileURLToPath(new URL("../../main.ts", import.meta.url))];
}
