import type { CapsuleError } from "../base/errors.ts";
import { CallClock, type CallLimits } from "./call_clock.ts";
import {
  awaitable,
  Caller,
  type CallState,
  nextState,
  type RerunReason,
  tentative,
} from "./call_state.ts";
import { GuestOutput, type OutputSinks } from "./guest_output.ts";
import { GuestMemory } from "./memory.ts";
import type { MemoryAccount, MemoryBudget } from "./memory_budget.ts";
import { HeapFullError, TimeoutError } from "./limit_errors.ts";
import { nextTurn, sleep } from "./turns.ts";

/** Thrown through a guest whose call is discarded. Made once: a symbol captures no stack. */
const discarded = Symbol("the call is discarded and rerun through promising");

/** Returned by `step` and `pause` to a guest that must trap; no `catch_all` catches that. */
const mustTrap = -1;
/** Returned by `step` to a guest that must call `pause`. */
const mustPause = 0;

/**
 * Time limit of a function of the guest that the host calls, such as `malloc`, in milliseconds. It
 * cannot be paused, so it holds the thread.
 */
const maxInsideMs = 200;

/** Bytes of output that a tentative call may hold back. */
const maxHeldBytes = 1 << 20;

const pageBytes = 65_536;
/** Bytes that the host copies out of a guest between two checks of the heap. */
const bytesBetweenHeapChecks = 16 << 20;

/** Memory that an instance uses, and the budget in which it is counted. */
export interface MemoryUse {
  readonly budget: MemoryBudget;
  readonly account: MemoryAccount;
  /** Bytes in addition to the first memory's: other memories and tables, at their maximum. */
  readonly fixedBytes: number;
  /** True if the guest can allocate on V8's heap. */
  readonly usesHeap: boolean;
}

/**
 * The host's side of one instance: its memory, its output, and the call that it is in. Host
 * functions and WASI receive their guest as a value when the instance is made.
 */
export class Guest {
  readonly memory = new GuestMemory();
  readonly output: GuestOutput;
  readonly clock: CallClock;
  /** Sets the step counter to 0, so that the next step calls `step`. Set with the instance. */
  exhaustSteps: () => void = () => {};
  /** The guest's allocator for results of host functions. Set with the instance. */
  allocateBuffer: (size: number) => number = () => 0;
  /** Returns the bytes of the memories whose growth is counted. Set with a component's instance. */
  countedBytes: () => number = () => this.memory.bytes.length;
  #state: CallState = tentative;
  #hostCalls = 0;
  #exitCode: number | undefined;
  #bytesUntilHeapCheck = bytesBetweenHeapChecks;
  /** Nesting of calls into the guest from its own imports, and the first clock read in them. */
  #depth = 0;
  #insideSinceMs = NaN;
  #abort: AbortController | undefined;
  #caller: Caller | undefined;

  readonly #memoryUse: MemoryUse | undefined;

  /** @param memoryUse the budget for the guest's memory; undefined for one call per process. */
  constructor(sinks: OutputSinks, limits: CallLimits, memoryUse?: MemoryUse) {
    this.output = new GuestOutput(sinks);
    this.clock = new CallClock(limits, memoryUse?.usesHeap);
    this.#memoryUse = memoryUse;
  }

  /**
   * Begins a call and returns the number of steps until its first clock read.
   *
   * @param mayWait whether the call is made through `promising`; otherwise it is tentative.
   * @param cameMs when the call came, as `performance.now()`. Required for a call that may wait.
   */
  begin(mayWait: boolean, cameMs?: number): number {
    this.#state = mayWait ? awaitable : tentative;
    this.output.hold = !mayWait;
    this.clock.begin(cameMs);
    this.#hostCalls = 0;
    this.#exitCode = undefined;
    this.#abort = undefined;
    this.#caller = undefined;
    return this.clock.budget;
  }

  /** Call before instantiation, in which the module's start section runs. */
  beginStartSection(): void {
    this.clock.beginStartSection(performance.now());
  }

  get limits(): CallLimits {
    return this.clock.limits;
  }

  /** Calls of host functions in this call. A `_start` without any can be skipped next time. */
  get hostCalls(): number {
    return this.#hostCalls;
  }

  /** The exit code, if the guest ended without a throw. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** The reason for which the call was stopped, if it was. */
  get stopped(): CapsuleError | undefined {
    return this.#state.kind === "stopped" ? this.#state.reason : undefined;
  }

  /** The reason for which the call must be discarded and rerun, if it must. */
  get rerunReason(): RerunReason | undefined {
    return this.#state.kind === "rerun" ? this.#state.reason : undefined;
  }

  /** True if the call may wait; otherwise it is tentative. */
  get mayWait(): boolean {
    return !this.#isTentative;
  }

  /** Call before a side effect. Ends a tentative call, which is then rerun as an awaitable one. */
  beforeSideEffect(): void {
    if (this.#isTentative) this.#discard();
    this.output.settle();
  }

  /** Call before a wait of the host. Ends a tentative call, which is then rerun. */
  beforeWait(): void {
    if (this.#isTentative) this.#discard();
  }

  /** Ends a tentative call whose held-back output has grown too large. */
  limitBufferedOutput(): void {
    if (this.#isTentative && this.output.heldBytes > maxHeldBytes) this.#discard();
  }

  /** Aborted when the call is stopped; for host calls in flight. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  /** The caller, for host calls in flight that share one connection. */
  get caller(): Caller {
    return this.#caller ??= new Caller();
  }

  /** Stops the call: a wait is rejected immediately, a computing guest traps at its next check. */
  stop(reason: CapsuleError): void {
    const before = this.#state;
    if (before.kind === "stopped") return;
    this.#state = nextState(before, { kind: "stop", reason });
    this.#abort?.abort(reason);
    this.#caller?.leave(reason);
    if (before.kind === "waiting") before.interrupt(reason);
  }

  /**
   * Throws if the call is stopped or past its deadline. For loops of the host whose length the
   * guest chooses.
   *
   * @throws CapsuleError the reason for which the call was stopped.
   */
  assertInTime(): void {
    const nowMs = performance.now();
    if (this.clock.isPastDeadline(nowMs)) this.#stopLate(nowMs);
    if (this.#state.kind === "stopped") throw this.#state.reason;
  }

  /** Counts bytes that the host copied and may keep. @throws as `assertHeapHasRoom`. */
  noteCopied(bytes: number): void {
    this.#bytesUntilHeapCheck -= bytes;
    if (this.#bytesUntilHeapCheck > 0) return;
    this.#bytesUntilHeapCheck = bytesBetweenHeapChecks;
    this.assertHeapHasRoom();
  }

  /**
   * Throws if V8's heap is nearly full. Call it as the host keeps more and more for the guest.
   *
   * @throws CapsuleError the reason for which the call was stopped.
   */
  assertHeapHasRoom(): void {
    if (this.#memoryUse) this.#limitHeap(performance.now(), this.#memoryUse.budget);
    if (this.#state.kind === "stopped") throw this.#state.reason;
  }

  /**
   * Awaits `work` and maps its result with `onValue` or `onError`. A stop rejects immediately; a
   * later result is discarded. The guest continues in a new slice.
   */
  waitFor<T, R>(
    work: Promise<T>,
    onValue: (value: T) => R,
    onError: (error: unknown) => R,
  ): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const wait = this.#state = nextState(this.#state, { kind: "wait", interrupt: reject });
      if (wait.kind === "stopped") reject(wait.reason);
      const settle = <V>(map: (value: V) => R) => (value: V) => {
        // After a stop the guest may already serve another call, which may wait, too.
        if (wait.kind !== "waiting" || this.#state !== wait) return;
        this.#state = nextState(wait, { kind: "settled" });
        this.clock.endSlice();
        try {
          resolve(map(value));
        } catch (error) {
          reject(error);
        }
      };
      work.then(settle(onValue), settle(onError));
    });
  }

  /**
   * Calls a function of the guest from inside one of its imports, or before its handler. It cannot
   * be paused there, as frames of the host lie below it.
   */
  inside<T>(call: () => T): T {
    if (this.#depth++ === 0) this.#insideSinceMs = NaN;
    try {
      return call();
    } finally {
      this.#depth--;
    }
  }

  /** Counts a call of a WASI function. */
  readonly noteCall = (): void => {
    if (this.clock.countHostCall()) this.exhaustSteps();
  };

  /** Counts a call of a host function whose result may differ from run to run. */
  noteHostCall(): void {
    this.#hostCalls++;
    this.noteCall();
  }

  /** The import behind the step counter: returns new steps, `mustPause` or `mustTrap`. */
  readonly step = (): number => {
    const nowMs = performance.now();
    const reading = this.clock.check(nowMs);
    if (this.#memoryUse?.usesHeap) this.#limitHeap(nowMs, this.#memoryUse.budget);
    if (reading === "past deadline") this.#stopLate(nowMs);
    else if (this.#depth > 0) this.#limitInside(nowMs);
    else if (reading === "slice over") {
      if (this.#state.kind === "awaitable") return mustPause;
      this.#state = nextState(this.#state, { kind: "slow" });
    }
    return this.#stepsLeft;
  };

  /** The import that pauses the guest until its next turn: returns new steps or `mustTrap`. */
  readonly pause = async (): Promise<number> => {
    this.output.settle();
    await nextTurn();
    const nowMs = performance.now();
    this.clock.beginSlice(nowMs);
    if (nowMs >= this.clock.deadlineMs) this.#stopLate(nowMs);
    return this.#stepsLeft;
  };

  /**
   * The import behind `memory.atomic.wait`: waits `timeoutNs` nanoseconds, below 0 for no limit,
   * and returns new steps or `mustTrap`. No other thread can wake the guest: it has one.
   */
  readonly wait = async (timeoutNs: bigint): Promise<number> => {
    this.output.settle();
    const ms = timeoutNs < 0n ? Infinity : Number(timeoutNs) / 1e6;
    const stop = new AbortController();
    try {
      await this.waitFor(sleep(ms, stop.signal), () => {}, () => {});
    } catch {
      // The call was stopped: the guest traps.
    } finally {
      stop.abort();
    }
    return this.#stepsLeft;
  };

  /** The import that records the exit code where `_start` returns after `proc_exit`. */
  readonly exit = (code: number): void => {
    this.#exitCode = code;
  };

  /**
   * The import that `memory.grow` asks: returns `pages` if the budget has room for them, or -1,
   * with which `memory.grow` fails.
   */
  readonly grow = (pages: number): number => {
    const use = this.#memoryUse;
    if (!use) return pages;
    const bytes = this.countedBytes() + (pages >>> 0) * pageBytes;
    return use.account.growTo(use.fixedBytes + bytes) ? pages : -1;
  };

  /** Records the exit code of a guest that `proc_exit` ended by a throw. */
  setExitCode(code: number): void {
    this.#exitCode = code;
  }

  get #isTentative(): boolean {
    return this.#state.kind === "tentative" || this.#state.kind === "rerun";
  }

  get #stepsLeft(): number {
    const { kind } = this.#state;
    return kind === "stopped" || kind === "rerun" ? mustTrap : this.clock.budget;
  }

  #discard(): never {
    this.#state = nextState(this.#state, { kind: "side effect" });
    throw discarded;
  }

  /** Stops a call whose allocator holds the thread. Without slices it has the thread to itself. */
  #limitInside(nowMs: number): void {
    if (this.limits.sliceMs === 0) return;
    if (Number.isNaN(this.#insideSinceMs)) this.#insideSinceMs = nowMs;
    const elapsedMs = nowMs - this.#insideSinceMs;
    if (elapsedMs < maxInsideMs) return;
    this.stop(new TimeoutError(maxInsideMs, elapsedMs, "its allocator must return within"));
  }

  #limitHeap(nowMs: number, budget: MemoryBudget): void {
    if (!budget.isHeapFull(nowMs)) return;
    this.stop(new HeapFullError());
  }

  #stopLate(nowMs: number): void {
    if (this.#state.kind === "stopped") return;
    this.stop(new TimeoutError(this.limits.timeoutMs, nowMs - this.clock.beganMs));
  }
}
