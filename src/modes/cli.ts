import { argumentSeparator } from "../abi/cli_arguments.ts";
import { CapsuleError } from "../base/errors.ts";
import type { ModeOptions } from "../cli/flags.ts";
import { callCli } from "../function/cli_call.ts";
import { ExitError, TrapError } from "../function/traps.ts";
import { TimeoutError } from "../wasm/guest.ts";
import { loadFunction, startFunction } from "./function_of.ts";
import type { World } from "./modes.ts";
import { moduleBytes } from "./module_bytes.ts";

/** What the exit code says: 134 as a shell says of an aborted program, 124 as `timeout` does. */
const exitCodes = { done: 0, failed: 1, timedOut: 124, trapped: 134 } as const;

/** Calls the function once with the arguments of the command line and prints its result. */
export async function runCli(options: ModeOptions<"cli">, world: World): Promise<number> {
  const { io, log } = world;
  const module = await moduleBytes(options, world, "cli");
  const { name } = module;
  for (const argument of options.args) {
    if (!argument.includes(argumentSeparator)) continue;
    log.warn(`the argument "${argument}" holds "${argumentSeparator}": the function sees it split there`);
  }
  try {
    const { called, close } = await startFunction(options, world, {
      mode: "cli",
      blueprint: await loadFunction(options, world, { ...module, mode: "cli" }),
      name,
      information: { pings: 0 },
      sinks: { stdout: io.stdout, stderr: io.stderr, wholeLines: false },
      stdin: { kind: "stream", read: (buffer) => io.stdin.read(buffer) },
      maxInstances: 1,
      maxQueue: 0,
    });
    try {
      const result = await callCli(called, options.args);
      if (result.kind === "error") {
        io.stderr.write(result.message + "\n");
        return exitCodes.failed;
      }
      const line = new Uint8Array(result.bytes.length + 1);
      line.set(result.bytes);
      line[result.bytes.length] = 0x0a;
      io.stdout.write(line);
      return exitCodes.done;
    } finally {
      await close();
    }
  } catch (error) {
    if (error instanceof ExitError) return error.exitCode;
    if (!(error instanceof TrapError || error instanceof TimeoutError)) throw error;
    io.stderr.write(`${(error as CapsuleError).message}\n`);
    return error instanceof TrapError ? exitCodes.trapped : exitCodes.timedOut;
  }
}
