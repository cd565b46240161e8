import type { getHeapStatistics } from "node:v8";

/** The part of V8's heap beyond which a guest that uses it is stopped: its end is the process's. */
const maxHeapShare = 0.6;
/** Bytes that arrays may always use: those of the launcher are among them. */
const minArrayBytes = 256 << 20;
/** Time between two checks of the heap, in milliseconds. */
const heapCheckMs = 5;

/** Loaded at the first check: few modules use the heap. */
let heapStatistics: typeof getHeapStatistics | undefined;

/**
 * Budget for the memories and tables of all instances on a thread, and a guard of V8's heap, on
 * which guests keep exceptions and objects of the garbage collector.
 */
export class MemoryBudget {
  readonly limitBytes: number;
  #usedBytes = 0;
  #lastHeapCheckMs = 0;
  #reclaim: () => void = () => {};

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Reports whether `bytes` more are within the budget. */
  hasRoom(bytes: number): boolean {
    return this.#usedBytes + bytes <= this.limitBytes;
  }

  /** Takes `bytes`, after closing idle instances if necessary. Returns whether there was room. */
  reserve(bytes: number): boolean {
    if (!this.hasRoom(bytes)) this.#reclaim();
    if (!this.hasRoom(bytes)) return false;
    this.#usedBytes += bytes;
    return true;
  }

  /** Returns `bytes` to the budget. */
  release(bytes: number): void {
    this.#usedBytes -= bytes;
  }

  /** Sets a function that closes idle instances. */
  set reclaim(reclaim: () => void) {
    this.#reclaim = reclaim;
  }

  /**
   * Reports whether V8's heap is nearly full, or its array buffers, which lie outside of it, use
   * more than the budget. Reads V8's statistics at most once per 5 ms.
   */
  isHeapFull(nowMs: number): boolean {
    if (nowMs - this.#lastHeapCheckMs < heapCheckMs) return false;
    this.#lastHeapCheckMs = nowMs;
    heapStatistics ??= process.getBuiltinModule("node:v8").getHeapStatistics;
    const { used_heap_size: used, heap_size_limit: limit, external_memory: arrays } =
      heapStatistics();
    return used > maxHeapShare * limit || arrays > Math.max(this.limitBytes, minArrayBytes);
  }
}

/** The bytes that one instance has of a budget. */
export class MemoryAccount {
  readonly #budget: MemoryBudget;
  #bytes = 0;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** Takes bytes up to a total. Returns false, and changes nothing, if there is no room. */
  growTo(bytes: number): boolean {
    if (bytes <= this.#bytes) return true;
    if (!this.#budget.reserve(bytes - this.#bytes)) return false;
    this.#bytes = bytes;
    return true;
  }

  /** Returns all bytes to the budget. */
  close(): void {
    this.#budget.release(this.#bytes);
    this.#bytes = 0;
  }
}
