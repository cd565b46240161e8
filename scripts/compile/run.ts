import { fileURLToPath } from "node:url";

/** The project's folder, with a slash at its end. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** How a command ended. */
export interface Ran {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where and with what a command runs: the project's folder and this process's environment, unless told. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
}

/** Runs a command to its end. */
export async function run(
  [program = "", ...args]: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: options.cwd ?? root,
    env: options.env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/**
 * Runs a command that must succeed, and returns what it printed.
 *
 * @throws Error with the command and its stderr.
 */
export async function mustRun(words: readonly string[], options?: RunOptions): Promise<string> {
  const { success, stdout, stderr } = await run(words, options);
  if (!success) throw new Error(`${words.join(" ")} failed:\n${stderr}`);
  return stdout;
}
