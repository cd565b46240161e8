import {
  type MemorySnapshot,
  restoreMapped,
  restoreMemory,
  takeMemorySnapshot,
} from "./memory_snapshot.ts";
import { pageWatch } from "./page_watch.ts";
import { mapSnapshot } from "./snapshot_mapping.ts";
import { TouchedPages } from "./touched_pages.ts";

/** Page tracking costs a one-time `dlopen`; a thread enables it after this many restores. */
const restoresUntilTracking = 16;
/** Growth beyond this makes a new instance cheaper than clearing the old one. */
const maxGrowth = 4 << 20;
/** After this many calls in a row that did not need the growth, the instance is discarded. */
const callsUntilShrunk = 16;

/** From this size on, copying all of a snapshot costs more than finding the pages to restore. */
const minMappedBytes = 1 << 20;

/** Whole memories that this thread has restored. */
let restores = 0;

/** Takes the snapshot of one instance's memory and restores it after each call. */
export class MemoryReset {
  #touched: TouchedPages | undefined;
  #restoreRuns = restoreMemory;
  #callsBelowGrowth = 0;

  /** Copies the memory as it is now. */
  take(bytes: Uint8Array<ArrayBuffer>): MemorySnapshot {
    return takeMemorySnapshot(bytes);
  }

  /** Restores the memory to the snapshot and clears its growth. */
  restore(snapshot: MemorySnapshot, bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#touched) {
      return this.#restoreRuns(snapshot, bytes, this.#touched.runsOf(bytes));
    }
    const isLarge = snapshot.bytes.length >= minMappedBytes;
    const watch = isLarge || restores++ >= restoresUntilTracking ? pageWatch() : undefined;
    if (!watch) return restoreMemory(snapshot, bytes, [0, bytes.length]);
    this.#touched = new TouchedPages(bytes, watch);
    if (isLarge && mapSnapshot(snapshot, bytes)) {
      this.#restoreRuns = restoreMapped;
    }
    this.#restoreRuns(snapshot, bytes, this.#touched.runsOf(bytes));
    // Restoring whole memories, as until now, touched all pages.
    this.#touched.forget(bytes, 0, snapshot.offset);
    this.#touched.forget(bytes, snapshot.end, bytes.length);
  }

  /**
   * Reports whether restoring the memory is cheaper than a new instance. Call once per reset.
   *
   * @param neededBytes how much of the memory the last call had; undefined if it cannot grow.
   */
  isWorthKeeping(
    snapshot: MemorySnapshot,
    byteLength: number,
    neededBytes: number | undefined,
  ): boolean {
    const growth = byteLength - snapshot.byteLength;
    if (growth === 0) return true;
    if (neededBytes === undefined || growth < 0 || growth > maxGrowth) return false;
    this.#callsBelowGrowth = neededBytes < byteLength ? this.#callsBelowGrowth + 1 : 0;
    return this.#callsBelowGrowth < callsUntilShrunk;
  }
}
