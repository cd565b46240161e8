import type { Context } from "../base/context.ts";
import { callCli, type CliResult } from "../function/cli_call.ts";
import { openGrants } from "./open_grants.ts";
import type { RunnerOptions } from "./runner_options.ts";

/**
 * Calls a function's cli handler once, with the process's standard input.
 *
 * @throws CapsuleError `LOAD` and those of `openGrants`, TrapError, ExitError, TimeoutError.
 */
export async function callOnce(
  options: RunnerOptions & { readonly args: readonly string[] },
  context: Context,
): Promise<CliResult> {
  const { blueprint, name, limits, sinks, args } = options;
  const { families, wasi, close } = await openGrants(options, context);
  try {
    const stdin = {
      kind: "stream",
      read: (buffer: Uint8Array) => context.io.stdin.read(buffer),
    } as const;
    return await callCli(blueprint, {
      name,
      limits,
      sinks,
      families,
      wasi: { ...wasi, args: [name], stdin },
      args,
    });
  } finally {
    await close();
  }
}
