import { openProgram } from "../runner/open_program.ts";
import type { RunnerOptions } from "../runner/runner_options.ts";
import type { Context } from "../base/context.ts";

/** Runs a WASI program on the streams of the process and returns its exit code. */
export async function runProgram(
  running: RunnerOptions,
  args: readonly string[],
  context: Context,
): Promise<number> {
  const { stdin, stdout, stderr } = context.io;
  // A thread that blocks in a write could not check the deadline.
  const later = running.limits.timeoutMs > 0;
  const { callee: program, close } = await openProgram({ ...running, args }, context);
  try {
    return await program.run({
      streams: () => ({
        stdin: { kind: "stream", read: (buffer) => stdin.read(buffer) },
        stdout: (bytes) => stdout.writeSome(bytes, later),
        stderr: (bytes) => stderr.writeSome(bytes, later),
        outputWaits: true,
        terminals: {
          stdin: stdin.isTerminal(),
          stdout: stdout.isTerminal(),
          stderr: stderr.isTerminal(),
        },
      }),
    });
  } finally {
    await close();
  }
}
