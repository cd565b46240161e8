import type { Context } from "../base/context.ts";
import { CapsuleFunction } from "../function/function.ts";
import { handlerExport } from "../function/module_kind.ts";
import { openBudget } from "./open_budget.ts";
import { type OpenedModule, openWithGrants } from "./open_grants.ts";
import type { RunnerOptions } from "./runner_options.ts";

/**
 * Opens a function that requests can call, and starts its first instance.
 *
 * @throws CapsuleError `LOAD`, those of `openGrants`, or what `_start` ended with.
 */
export function openFunction(
  options: RunnerOptions,
  context: Context,
): Promise<OpenedModule<CapsuleFunction>> {
  const { blueprint, name, limits, sinks } = options;
  return openWithGrants(options, context, ({ families, wasi }) =>
    CapsuleFunction.start(blueprint, {
      name,
      handler: handlerExport.http,
      limits,
      maxInstances: limits.maxInstances,
      maxQueue: limits.maxQueue,
      sinks,
      families,
      budget: openBudget(limits),
      wasi: { ...wasi, args: [name], stdin: { kind: "empty" } },
    }));
}
