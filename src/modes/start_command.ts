import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Io } from "../base/io.ts";

/** The program that runs, as `startCommand` needs to know it. */
export interface RunningProgram {
  /** True for a compiled program. */
  readonly standalone: boolean;
  /** The path of the compiled program, or of Deno. */
  readonly execPath: string;
  /** The path of `main.ts`. */
  readonly mainPath: string;
}

/**
 * Returns the command by which this program was started, without flags: `capsule`, `./capsule`,
 * `deno task start --`. Messages that suggest a next step begin with it.
 */
export function startCommand(
  { env, cwd }: Pick<Io, "env" | "cwd">,
  program: RunningProgram = runningProgram(),
): string {
  if (!program.standalone) {
    // `deno task` sets this variable to the directory that it was started in.
    if (env.get("INIT_CWD") !== undefined) return "deno task start --";
    return `deno run -A ${shellWord(fromHere(program.mainPath, cwd()))}`;
  }
  const [, folder = "", name = ""] = /^(.*)[\\/](.*)$/.exec(program.execPath) ?? [];
  const isOnPath = env.get("PATH")?.split(Deno.build.os === "windows" ? ";" : ":").includes(folder);
  return isOnPath ? name : shellWord(fromHere(program.execPath, cwd()));
}

/** Quotes a text as one word of a POSIX shell, if it needs quotes. */
export function shellWord(text: string): string {
  return /^[\w./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function runningProgram(): RunningProgram {
  return {
    standalone: Deno.build.standalone,
    execPath: Deno.execPath(),
    mainPath: fileURLToPath(new URL("../../main.ts", import.meta.url)),
  };
}

/** Returns the shorter of the absolute path and that from the working directory. */
function fromHere(path: string, cwd: string): string {
  const below = relative(cwd, path);
  const named = below.startsWith("..") ? below : `./${below}`;
  return named.length < path.length ? named : path;
}
