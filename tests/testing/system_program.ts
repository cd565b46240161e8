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

/** Runs a program with `input` on standard input, and waits for its end. */
export async function runProgram(
  [program = "", ...args]: readonly string[],
  { cwd, input = "" }: { cwd?: string; input?: string } = {},
): Promise<Printed> {
  const child = new Deno.Command(program, {
    args,
    cwd,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await output;
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
