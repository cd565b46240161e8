import { ownEnvironment } from "./processes.ts";

/**
 * Runs a command to its end. Returns its output and the elapsed time, start included.
 *
 * @throws Error with its stderr if it fails.
 */
export async function timedRun(
  [program = "", ...args]: readonly string[],
): Promise<{ text: string; elapsedMs: number }> {
  const beganMs = performance.now();
  const command = new Deno.Command(program, {
    args,
    clearEnv: true,
    env: ownEnvironment(),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const { success, stdout, stderr } = await command.output();
  const elapsedMs = performance.now() - beganMs;
  if (!success) {
    throw new Error(`${program} ${args.join(" ")} failed:\n${new TextDecoder().decode(stderr)}`);
  }
  return { text: new TextDecoder().decode(stdout), elapsedMs };
}
