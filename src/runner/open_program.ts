import type { Context } from "../base/context.ts";
import { Command } from "../function/command.ts";
import { openGrants } from "./open_grants.ts";
import type { RunnerOptions } from "./runner_options.ts";

/** A program that can be run, and everything that was opened for it. */
export interface OpenedProgram {
  readonly program: Command;
  close(): Promise<void>;
}

/**
 * Opens the grants of a WASI program.
 *
 * @param args follow the program's name in its argument list.
 * @throws CapsuleError `LOAD`, and those of `openGrants`.
 */
export async function openProgram(
  options: RunnerOptions & { readonly args: readonly string[] },
  context: Context,
): Promise<OpenedProgram> {
  const { blueprint, name, limits, sinks, args } = options;
  const { families, wasi, close } = await openGrants(options, context);
  const baseName = name.slice(name.lastIndexOf("/") + 1);
  const program = Command.open(blueprint, {
    name,
    limits,
    maxInstances: limits.maxInstances,
    maxQueue: limits.maxQueue,
    sinks,
    families,
    wasi: { ...wasi, args: [baseName, ...args] },
  });
  return {
    program,
    close: async () => {
      program.close();
      await close();
    },
  };
}
