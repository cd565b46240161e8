import type { Context } from "../base/context.ts";
import { CapsuleFunction } from "../function/function.ts";
import { handlerExport } from "../function/module_kind.ts";
import { openGrants } from "./open_grants.ts";
import type { RunnerOptions } from "./runner_options.ts";

/** A function that requests can call, and everything that was opened for it. */
export interface OpenedFunction {
  readonly called: CapsuleFunction;
  close(): Promise<void>;
}

/**
 * Opens a module's grants and starts its first instance.
 *
 * @throws CapsuleError `LOAD`, those of `openGrants`, or what `_start` ended with.
 */
export async function openFunction(
  options: RunnerOptions,
  context: Context,
): Promise<OpenedFunction> {
  const { blueprint, name, limits, sinks } = options;
  const { families, wasi, close } = await openGrants(options, context);
  const called = await CapsuleFunction.start(blueprint, {
    name,
    handler: handlerExport.http,
    limits,
    maxInstances: limits.maxInstances,
    maxQueue: limits.maxQueue,
    sinks,
    families,
    wasi: { ...wasi, args: [name], stdin: { kind: "empty" } },
  });
  return {
    called,
    close: async () => {
      called.close();
      await close();
    },
  };
}
