import type { CoreSource } from "../link/items.ts";
import type { Plan, Trampoline } from "../link/plan.ts";
import { findAdapter } from "./find_adapter.ts";
import { preview1Module, standInModule } from "./stand_in_module.ts";

/**
 * Replaces the adapter of a component by a module that passes calls of preview1 to the host.
 *
 * @returns the plan itself if it has no adapter that can be replaced.
 */
export function replaceAdapter(plan: Plan): Plan {
  const adapter = findAdapter(plan);
  const core = adapter && plan.coreInstances[adapter.instance];
  if (!core) return plan;
  const { instance, owner, memory, functions, entryPoints } = adapter;
  const isOfAdapter = (source: CoreSource | undefined) =>
    source?.kind === "export" && source.instance === instance;
  // The adapter allocates the results of these imports, so only the adapter can call them.
  const trampolines: Trampoline[] = plan.trampolines.map((one) =>
    one.kind === "lower" && isOfAdapter(one.options.realloc)
      ? { kind: "unused", instance: owner }
      : one
  );
  const imports = functions.map(({ name, type }) => {
    const trampoline = trampolines.push({ kind: "preview1", name, type, instance: owner }) - 1;
    return { module: preview1Module, name, source: { kind: "trampoline" as const, trampoline } };
  });
  return {
    ...plan,
    modules: plan.modules.with(core.module, standInModule(functions, entryPoints)),
    coreInstances: plan.coreInstances.with(instance, { module: core.module, imports }),
    trampolines,
    preview1: { memory, functions: functions.map(({ name }) => name) },
  };
}
