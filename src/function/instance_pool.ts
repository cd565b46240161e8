import type { MemoryNeeds } from "../wasm/blueprint.ts";
import type { MemoryBudget } from "../wasm/memory_budget.ts";
import { type Closable, Pool } from "../wasm/pool.ts";

const idleMs = 60_000;

/** Makes the pool of a module's instances, which closes idle ones when the budget is used up. */
export function instancePool<T extends Closable>(
  { maxInstances, maxQueue, budget }: {
    readonly maxInstances: number;
    readonly maxQueue: number;
    readonly budget?: MemoryBudget;
  },
  memory: MemoryNeeds,
  create: () => T,
): Pool<T> {
  const hasRoom = () => budget?.hasRoom(memory.initialBytes) ?? true;
  const pool = new Pool({ create, maxInstances, maxQueue, idleMs, hasRoom });
  if (budget) budget.reclaim = () => pool.closeIdle();
  return pool;
}
