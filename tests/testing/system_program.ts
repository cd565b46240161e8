import { isInstalled } from "./is_installed.ts";

/**
 * Declares a test that runs a program of the system. Without it the test is skipped with its
 * reason; with CI set it fails.
 */
export async function programTest(
  program: string,
  name: string,
  fn: () => Promise<void>,
): Promise<void> {
  if (Deno.env.get("CI") || await isInstalled(program)) return Deno.test(name, fn);
  Deno.test({ name: `${name} (skipped: ${program} is not installed here)`, ignore: true, fn });
}

/** The output and the exit code of a program. */
export interface Printed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly cwd?: string;
  /** The whole environment; default: that of this process. */
  readonly env?: Record<string, string>;
  readonly input?: string;
}

/** Runs a program with `input` on standard input, and waits for its end. */
export async function runProgram(
  command: readonly string[],
  options: RunOptions = {},
): Promise<Printed> {
  const { code, stdout, stderr } = await runProgramForBytes(command, options);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs a program as `runProgram` does, and returns its output as bytes. */
export async function runProgramForBytes(
  [program = "", ...args]: readonly string[],
  { cwd, env, input = "" }: RunOptions = {},
): Promise<Deno.CommandOutput> {
  const child = new Deno.Command(program, {
    args,
    cwd,
    clearEnv: env !== undefined,
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  // A program may end without reading its input.
  await writer.write(new TextEncoder().encode(input)).then(() => writer.close()).catch(() => {});
  return await output;
}
