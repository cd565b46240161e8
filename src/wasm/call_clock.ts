/** Limits on the time of a call. */
export interface CallLimits {
  /** Longest computing time of a guest before other guests run, in milliseconds; 0: no slices. */
  readonly sliceMs: number;
  /** Time limit of a call, waiting and computing, in milliseconds; 0: no limit. */
  readonly timeoutMs: number;
}

/** The outcome of reading the clock. */
export type ClockReading = "in time" | "slice over" | "past deadline";

const minBudget = 1000;
/**
 * Bounds the time until the next clock read when a guest's steps suddenly become expensive, as in
 * arithmetic on denormal numbers.
 */
const maxBudget = 2_000_000;
/** The same for a guest that allocates on V8's heap, which is checked as often as the clock. */
const maxHeapUserBudget = 50_000;
/** Intended number of clock reads per slice. */
const readsPerSlice = 8;
/** The slice that budgets are sized for where slices are off, in milliseconds. */
const defaultSliceMs = 2;
/** Host calls take time that step metering does not see; after this many, the clock is read. */
const hostCallsUntilRead = 32;

/**
 * Slice, deadline and step budget of one guest's calls. The guest counts steps down from the budget
 * and reads the clock when they are used up.
 *
 * Hot path: a call that ends within its first budget never reads the clock (bench: `in-process`).
 */
export class CallClock {
  readonly limits: CallLimits;
  /**
   * - `unread`: the call has begun and no time is known yet.
   * - `between slices`: the deadline is set; the next clock read begins a slice.
   * - `in slice`: the call computes. A guest in its start section has no slice.
   */
  #phase: "unread" | "between slices" | "in slice" = "in slice";
  #beganMs = NaN;
  #deadlineMs = Infinity;
  #sliceEndMs = Infinity;
  #lastReadMs = 0;
  #budget = minBudget;
  #hostCalls = 0;
  #readsEarly = false;

  readonly #maxBudget: number;

  /** @param usesHeap whether the guest allocates on V8's heap. */
  constructor(limits: CallLimits, usesHeap = false) {
    this.limits = limits;
    this.#maxBudget = usesHeap ? maxHeapUserBudget : maxBudget;
  }

  /** When the call began, as `performance.now()`; NaN while that is unread. */
  get beganMs(): number {
    return this.#beganMs;
  }

  /** When the call must have ended; Infinity for no deadline, or while the clock is unread. */
  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  /** The number of steps until the next clock read. */
  get budget(): number {
    return this.#budget;
  }

  /**
   * Begins a call. Without `cameMs` it begins at its first clock read, and must not wait before.
   */
  begin(cameMs: number | undefined): void {
    this.#hostCalls = 0;
    this.#phase = "unread";
    this.#beganMs = NaN;
    this.#deadlineMs = Infinity;
    if (cameMs !== undefined) this.#setBegin(cameMs);
  }

  /** Begins the start section of an instance: it has a deadline, and cannot be paused. */
  beginStartSection(nowMs: number): void {
    this.#setBegin(nowMs);
    this.#phase = "in slice";
    this.#sliceEndMs = Infinity;
    this.#lastReadMs = nowMs;
  }

  /** Counts a host call; returns true when the guest should read the clock at its next step. */
  countHostCall(): boolean {
    if (++this.#hostCalls % hostCallsUntilRead !== 0) return false;
    return this.#readsEarly = true;
  }

  /** Checks the time and adapts the budget to the time that the last budget took. */
  check(nowMs: number): ClockReading {
    if (this.#readsEarly) this.#readsEarly = false;
    else this.#adapt(nowMs);
    if (this.#phase !== "in slice") this.beginSlice(nowMs);
    this.#lastReadMs = nowMs;
    if (nowMs >= this.#deadlineMs) return "past deadline";
    return nowMs < this.#sliceEndMs ? "in time" : "slice over";
  }

  /** Reports whether the deadline is past. Unlike `check` it changes neither slice nor budget. */
  isPastDeadline(nowMs: number): boolean {
    if (this.#phase === "unread") this.#setBegin(nowMs);
    return nowMs >= this.#deadlineMs;
  }

  /** Begins a slice, and the call itself where its begin is unread. */
  beginSlice(nowMs: number): void {
    if (this.#phase === "unread") this.#setBegin(nowMs);
    const { sliceMs } = this.limits;
    this.#sliceEndMs = sliceMs > 0 ? nowMs + sliceMs : Infinity;
    this.#lastReadMs = nowMs;
    this.#phase = "in slice";
  }

  /** Ends the slice, as the guest waits; the next clock read begins another one. */
  endSlice(): void {
    if (this.#phase === "in slice") this.#phase = "between slices";
  }

  #setBegin(nowMs: number): void {
    this.#phase = "between slices";
    this.#beganMs = nowMs;
    if (this.limits.timeoutMs > 0) this.#deadlineMs = nowMs + this.limits.timeoutMs;
  }

  /** At most doubles the budget, so that one cheap stretch of code does not hide the deadline. */
  #adapt(nowMs: number): void {
    const aimMs = (this.limits.sliceMs || defaultSliceMs) / readsPerSlice;
    const tookMs = this.#phase === "in slice" ? nowMs - this.#lastReadMs : 0;
    const factor = Math.min(2, Math.max(0.25, aimMs / Math.max(tookMs, 0.001)));
    this.#budget = Math.min(
      this.#maxBudget,
      Math.max(minBudget, Math.round(this.#budget * factor)),
    );
  }
}
