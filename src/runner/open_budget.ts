import { MemoryBudget } from "../wasm/memory_budget.ts";
import type { RunnerLimits } from "./runner_options.ts";

/** Returns the budget for the memory of a module's instances on this thread, if it has one. */
export function openBudget(
  { maxTotalMemoryBytes }: Pick<RunnerLimits, "maxTotalMemoryBytes">,
): MemoryBudget | undefined {
  return maxTotalMemoryBytes === undefined ? undefined : new MemoryBudget(maxTotalMemoryBytes);
}
