import type { ModeOptions } from "../options/mode_options.ts";
import { openCommand, type Plan } from "./function_of.ts";
import type { Context } from "../base/context.ts";

/** Runs a WASI program on the process's own streams, with the arguments of the command line, and answers its exit code. */
export async function runProgram(
  options: ModeOptions<"cli">,
  context: Context,
  plan: Plan,
): Promise<number> {
  const { stdin, stdout, stderr } = context.io;
  // A thread that is stuck in a write to a reader that does not read could not look at the clock.
  const later = options.timeout > 0;
  const { called, close } = await openCommand(options, context, { ...plan, args: options.args });
  try {
    return await called.run({
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
