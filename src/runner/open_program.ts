import type { Context } from "../base/context.ts";
import { Command } from "../function/command.ts";
import { openBudget } from "./open_budget.ts";
import { type OpenedModule, openWithGrants } from "./open_grants.ts";
import type { RunnerOptions } from "./runner_options.ts";

/**
 * Opens a WASI program to be run. Its argument list is the base name of the module, and `args`.
 *
 * @throws CapsuleError `LOAD`, and those of `openGrants`.
 */
export function openProgram(
  options: RunnerOptions & { readonly args: readonly string[] },
  context: Context,
): Promise<OpenedModule<Command>> {
  const { blueprint, name, limits, sinks, args } = options;
  const baseName = name.slice(name.lastIndexOf("/") + 1);
  return openWithGrants(options, context, ({ families, wasi }) =>
    Command.open(blueprint, {
      name,
      limits,
      maxInstances: limits.maxInstances,
      maxQueue: limits.maxQueue,
      sinks,
      families,
      budget: openBudget(limits),
      wasi: { ...wasi, args: [baseName, ...args] },
    }));
}
