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

/** Returns the bytes that this process may use: the machine's memory, or its cgroup's limit. */
export function machineMemory(): number {
  const { total } = Deno.systemMemoryInfo();
  try {
    const limit = Number(Deno.readTextFileSync("/sys/fs/cgroup/memory.max"));
    return limit > 0 ? Math.min(total, limit) : total;
  } catch {
    return total; // another system than Linux, or the root cgroup
  }
}
