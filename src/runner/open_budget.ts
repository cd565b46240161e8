import { machineMemory } from "../wasm/machine_memory.ts";
import { MemoryBudget } from "../wasm/memory_budget.ts";
import type { RunnerLimits } from "./runner_options.ts";

/** Returns the budget for the memory of a module's instances on this thread, if it has one. */
export function openBudget(
  { totalMemory }: Pick<RunnerLimits, "totalMemory">,
): MemoryBudget | undefined {
  if (totalMemory === undefined) return undefined;
  const { maxBytes = machineMemory() / 2, threads } = totalMemory;
  return new MemoryBudget(Math.floor(maxBytes / threads));
}
