import { CapsuleError } from "../../base/errors.ts";
import type { Plan } from "../../component/link/plan.ts";
import { assertStartsWithin, type SharedMemory, shareMemory } from "../../prepare/share_memory.ts";
import { usesHeap } from "../../prepare/uses_heap.ts";
import type { MemoryNeeds } from "../../wasm/blueprint.ts";

/** Core modules whose memories and tables stay within a maximum, and what an instance needs. */
export interface SharedModules {
  readonly modules: readonly Uint8Array<ArrayBuffer>[];
  readonly memory: MemoryNeeds;
}

/** Bytes that the tables of a core instance may have without counting as growing. */
const smallTables = 65_536;

/**
 * Divides `maxBytes` between the core instances of a component that can grow, in equal parts; one
 * that is alone may grow to all of it.
 *
 * @throws CapsuleError `LOAD` if their memories and tables start with more than `maxBytes`.
 */
export function shareBetween(plan: Plan, maxBytes: number): SharedModules {
  const whole = plan.modules.map((bytes) => shareMemory(bytes, maxBytes));
  for (const module of whole) assertStartsWithin(module, maxBytes);
  const used = plan.coreInstances.flatMap(({ module }) => whole[module] ?? []);
  const growing = used.filter(canGrow).length;
  const initialBytes = used.reduce((total, { initialBytes }) => total + initialBytes, 0);
  if (initialBytes > maxBytes) {
    const [needed, allowed] = [initialBytes, maxBytes].map((bytes) => `${bytes >> 20}MiB`);
    throw new CapsuleError(
      "LOAD",
      `its memories start with ${needed}, more than -maxMemory=${allowed} allows`,
    );
  }
  const parts = growing <= 1
    ? whole
    : plan.modules.map((bytes) => shareMemory(bytes, Math.floor(maxBytes / growing)));
  return {
    modules: parts.map(({ bytes }) => bytes),
    memory: { initialBytes, fixedBytes: 0, usesHeap: plan.modules.some(usesHeap) },
  };
}

function canGrow({ initialBytes, maximumBytes, tableBytes }: SharedMemory): boolean {
  return maximumBytes > initialBytes || tableBytes > smallTables;
}
