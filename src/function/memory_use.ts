import { CapsuleError } from "../base/errors.ts";
import type { MemoryUse } from "../wasm/guest.ts";
import type { MemoryNeeds } from "../wasm/blueprint.ts";
import { MemoryAccount, type MemoryBudget } from "../wasm/memory_budget.ts";
import { OverloadedError } from "../wasm/pool.ts";

/**
 * Takes the initial memory of an instance out of a budget.
 *
 * @throws OverloadedError if there is no room.
 */
export function openAccount(budget: MemoryBudget, memory: MemoryNeeds): MemoryUse {
  const account = new MemoryAccount(budget);
  if (!account.growTo(memory.initialBytes)) throw OverloadedError.ofMemory(budget.limitBytes);
  return { budget, account, fixedBytes: memory.fixedBytes, usesHeap: memory.usesHeap };
}

/**
 * Checks that a budget has room for one instance.
 *
 * @throws CapsuleError `LOAD`
 */
export function assertFits(name: string, { limitBytes }: MemoryBudget, memory: MemoryNeeds): void {
  if (memory.initialBytes <= limitBytes) return;
  const [needed, allowed] = [memory.initialBytes, limitBytes].map((bytes) => `${bytes >> 20} MiB`);
  throw new CapsuleError(
    "LOAD",
    `${name} needs ${needed} for an instance, and -maxTotalMemory allows ${allowed} for all`,
  );
}
