import { fileURLToPath } from "node:url";

/** The folder of the project, with a slash at the end. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** The outcome of a command. */
export interface CommandResult {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of a command; by default the project's folder and the process's environment. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
}

/** Runs a command and returns its outcome. */
export async function run(
  [program = "", ...args]: readonly string[],
  options: RunOptions = {},
): Promise<CommandResult> {
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
 * Runs a command and returns its standard output.
 *
 * @throws Error with the command and its stderr if it fails.
 */
export async function mustRun(words: readonly string[], options?: RunOptions): Promise<string> {
  const { success, stdout, stderr } = await run(words, options);
  if (!success) throw new Error(`${words.join(" ")} failed:\n${stderr}`);
  return stdout;
}
