import { CapsuleError } from "../../base/errors.ts";
import type { Plan } from "../../component/link/plan.ts";
import type { PreparationResult } from "../../prepare/prepare.ts";
import { assertStartsWithin, type SharedMemory, shareMemory } from "../../prepare/share_memory.ts";
import { usesHeap } from "../../prepare/uses_heap.ts";
import type { MemoryNeeds } from "../../wasm/blueprint.ts";

/** Bytes that the tables of a core instance may have without counting as growing. */
const smallTables = 65_536;

/**
 * Divides `maxBytes` equally between the core instances of a component that can grow; a single one
 * may grow to all of it. Returns the core modules with these maxima.
 *
 * @throws CapsuleError `LOAD` if their memories and tables start with more than `maxBytes`.
 */
export function shareBetween(plan: Plan, maxBytes: number): SharedMemory[] {
  const whole = plan.modules.map((bytes) => shareMemory(bytes, maxBytes));
  for (const module of whole) assertStartsWithin(module, maxBytes);
  const used = plan.coreInstances.flatMap(({ module }) => whole[module] ?? []);
  const growing = used.filter(canGrow).length;
  const initialBytes = sum(used, (one) => one.initialBytes);
  if (initialBytes > maxBytes) {
    const [needed, allowed] = [initialBytes, maxBytes].map((bytes) => `${bytes >> 20}MiB`);
    throw new CapsuleError(
      "LOAD",
      `its memories start with ${needed}, more than -maxMemory=${allowed} allows`,
    );
  }
  if (growing <= 1) return whole;
  return plan.modules.map((bytes) => shareMemory(bytes, Math.floor(maxBytes / growing)));
}

/**
 * Returns the memory that an instance of a component needs. If a module grows a memory without
 * asking, which may be another module's, all memories count with their maximum.
 */
export function memoryNeeds(
  plan: Plan,
  modules: readonly SharedMemory[],
  prepared: readonly PreparationResult[],
): MemoryNeeds {
  const isCounted = prepared.every((one) => one.kind === "prepared" && one.growth !== "uncounted");
  const used = plan.coreInstances.flatMap(({ module }) => modules[module] ?? []);
  const memoryBytes = sum(used, (one) => isCounted ? one.initialBytes : one.maximumBytes);
  const fixedBytes = sum(used, ({ tableBytes }) => tableBytes > smallTables ? tableBytes : 0);
  return {
    initialBytes: memoryBytes + fixedBytes,
    fixedBytes,
    usesHeap: plan.modules.some(usesHeap),
  };
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

function canGrow({ initialBytes, maximumBytes, tableBytes }: SharedMemory): boolean {
  return maximumBytes > initialBytes || tableBytes > smallTables;
}
