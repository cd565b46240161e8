import { CapsuleError } from "../base/errors.ts";
import { GuestMemory } from "./memory.ts";
import { GuestOutput, type OutputSinks } from "./guest_output.ts";
import { nextTurn } from "./jspi.ts";

/** What a call may take. */
export interface CallLimits {
  /** How long a guest computes before others have their turn, in milliseconds; 0 turns slices off. */
  readonly sliceMs: number;
  /** How long a call takes at most, waiting and computing, in milliseconds; 0 for no end. */
  readonly timeoutMs: number;
}

/** Thrown through a guest whose call is thrown away. Made once, so that no stack is taken. */
const thrownAway = Symbol("the call is made again through promising");

/** What `step` and `pause` give a guest that must stop: it traps, which no `catch_all` of its own can catch. */
const mustStop = -1;

const heldLimit = 1 << 20; // bytes of output that a call may hold back
const firstBudget = 1000; // steps until the first look at the clock
/** Calls out of the guest after which it looks at the clock at its next step: each of them may take a millisecond, which no step tells. */
const callsUntilLook = 32;
/** In place of a time: the clock was not read, which costs a quick call 0.1 µs of its 6. */
const unread = 0;

/**
 * The host's side of one instance: its memory, its output, and the call that it is in. Host functions and WASI get
 * their guest as a value when the instance is made.
 */
export class Guest {
  readonly memory = new GuestMemory();
  readonly output: GuestOutput;
  readonly limits: CallLimits;
  /** Whether the call was made through `promising`, so that it may wait. */
  waits = false;
  /**
   * Set when a call that was made synchronously came to something that such a call may not do: it was about to be `seen` from
   * outside, or `slow`, longer than its slice. It is thrown away, whatever came of it, and made again through `promising`.
   */
  startsAgain: "seen" | "slow" | undefined;
  /** Calls of host functions in this call: a `_start` without one is repeatable. */
  hostCalls = 0;
  /** The exit code that the guest gave when it ended without a throw. */
  exitCode: number | undefined;
  /** Ends the steps that the guest has left. Set once the instance exists, as the next one is. */
  endSteps: () => void = () => {};
  allocateBuffer: (size: number) => number = () => 0;

  #deadlineMs = Infinity;
  /** Before its first call, in its start section, a guest has no slice. */
  #sliceEndMs = Infinity;
  #lookedMs = 0;
  #budget = firstBudget;
  #calls = 0;
  #looksEarly = false;
  #inGuestForHost = 0;
  #stopped: CapsuleError | undefined;
  #interrupt: ((reason: unknown) => void) | undefined;
  #abort: AbortController | undefined;
  #caller: Caller | undefined;
  #beganMs = unread;

  constructor(sinks: OutputSinks, limits: CallLimits) {
    this.output = new GuestOutput(sinks);
    this.limits = limits;
  }

  /**
   * Begins a call; its steps are counted down from what is returned. Without the time at which it came, it begins when its
   * steps first lead to a look at the clock: then no call may wait.
   */
  begin(waits: boolean, cameMs = unread): number {
    this.waits = waits;
    this.output.hold = !waits;
    this.startsAgain = undefined;
    this.hostCalls = 0;
    this.exitCode = undefined;
    this.#calls = 0;
    this.#sliceEndMs = unread;
    this.#deadlineMs = Infinity;
    this.#beganMs = cameMs;
    if (cameMs !== unread) this.#setDeadline();
    this.#stopped = undefined;
    this.#abort = undefined;
    this.#caller = undefined;
    return this.#budget;
  }

  get beganMs(): number {
    return this.#beganMs;
  }

  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  /** Why the call was stopped, once it was. */
  get stopped(): CapsuleError | undefined {
    return this.#stopped;
  }

  /** The guest is about to do what can be seen from outside: a call that may be thrown away ends here. */
  beSeen(): void {
    if (!this.waits) this.#throwAway();
    this.output.settle();
  }

  /** Keeps a call that may be thrown away from holding back without end. */
  boundHeld(): void {
    if (!this.waits && this.output.heldBytes > heldLimit) this.#throwAway();
  }

  /** Aborted when the call is stopped; for host calls in flight. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  /** Who asked for the call, for host calls in flight that look after many of them. */
  get caller(): Caller {
    return this.#caller ??= new Caller();
  }

  /** Stops the call, whether it waits or computes: what it waits for fails, and its next step traps. */
  stop(reason: CapsuleError): void {
    if (this.#stopped) return;
    this.#stopped = reason;
    this.#deadlineMs = 0;
    this.#abort?.abort(reason);
    this.#caller?.leave(reason);
    const interrupt = this.#interrupt;
    this.#interrupt = undefined;
    interrupt?.(reason);
  }

  /**
   * Waits for work and gives what is made of its end, `took` of a value or `failed` of an error. A stop cuts the wait short,
   * whether the work heeds `signal` or not; what comes of it then is nobody's. The guest goes on in a new slice.
   */
  waitFor<T, R>(
    work: Promise<T>,
    took: (value: T) => R,
    failed: (error: unknown) => R,
  ): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      if (this.#stopped) reject(this.#stopped);
      else this.#interrupt = reject;
      const settle = <V>(use: (value: V) => R) => (value: V) => {
        // Whoever was interrupted is in another call by now, which may wait, too.
        if (this.#interrupt !== reject) return;
        this.#interrupt = undefined;
        this.#sliceEndMs = unread;
        try {
          resolve(use(value));
        } catch (error) {
          reject(error);
        }
      };
      work.then(settle(took), settle(failed));
    });
  }

  /** Calls a function of the guest from inside one of its imports, or beside its handler; it cannot be paused there. */
  inside<T>(call: () => T): T {
    this.#inGuestForHost++;
    try {
      return call();
    } finally {
      this.#inGuestForHost--;
    }
  }

  /** Counts a call out of the guest. */
  readonly noteCall = (): void => {
    if (++this.#calls % callsUntilLook !== 0) return;
    this.#looksEarly = true;
    this.endSteps();
  };

  /** The import behind the step counter: fresh steps, or 0 when the guest has to pause. */
  readonly step = (): number => {
    const nowMs = performance.now();
    if (this.#looksEarly) this.#looksEarly = false;
    else this.#adapt(nowMs);
    if (this.#sliceEndMs === unread) this.#beginSlice(nowMs);
    this.#lookedMs = nowMs;
    if (nowMs >= this.#deadlineMs) return this.#timeIsUp(nowMs);
    if (nowMs < this.#sliceEndMs || this.#inGuestForHost > 0) return this.#budget;
    if (this.waits) return 0;
    this.startsAgain = "slow";
    return mustStop;
  };

  /** The import that pauses the guest until its next turn; it goes on with fresh steps. */
  readonly pause = async (): Promise<number> => {
    this.output.settle();
    await nextTurn();
    const nowMs = performance.now();
    if (nowMs >= this.#deadlineMs) return this.#timeIsUp(nowMs);
    this.#beginSlice(nowMs);
    this.#lookedMs = nowMs;
    return this.#budget;
  };

  /** The import that notes the exit code where `_start` ends by itself. */
  readonly exit = (code: number): void => {
    this.exitCode = code;
  };

  #throwAway(): never {
    this.startsAgain = "seen";
    throw thrownAway;
  }

  #timeIsUp(nowMs: number): number {
    this.#stopped ??= new TimeoutError(this.limits.timeoutMs, nowMs - this.#beganMs);
    return mustStop;
  }

  #beginSlice(nowMs: number): void {
    if (this.#beganMs === unread) {
      this.#beganMs = nowMs;
      this.#setDeadline();
    }
    this.#sliceEndMs = this.limits.sliceMs > 0 ? nowMs + this.limits.sliceMs : Infinity;
  }

  #setDeadline(): void {
    if (this.limits.timeoutMs > 0) this.#deadlineMs = this.#beganMs + this.limits.timeoutMs;
  }

  /** Aims at eight looks a slice, whatever a step of this guest costs: after the first one, twice as many steps are tried. */
  #adapt(nowMs: number): void {
    const aimMs = (this.limits.sliceMs || 2) / 8;
    const tookMs = this.#sliceEndMs === unread ? 0 : nowMs - this.#lookedMs;
    const factor = Math.min(2, Math.max(0.25, aimMs / Math.max(tookMs, 0.001)));
    this.#budget = Math.min(10_000_000, Math.max(1000, Math.round(this.#budget * factor)));
  }
}

/**
 * Who waits for an answer, and may leave before it comes. One piece of work at a time listens for that.
 *
 * It is for what comes and goes with every call, where an `AbortSignal` with its listener costs 1 µs.
 */
export class Caller {
  /** Called once, when the caller leaves, with the reason. */
  onLeft: ((reason: unknown) => void) | undefined;
  #hasLeft = false;
  #reason: unknown;

  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** Why it left. */
  get reason(): unknown {
    return this.#reason;
  }

  leave(reason: unknown): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#reason = reason;
    this.onLeft?.(reason);
  }
}

/** A call past its deadline. */
export class TimeoutError extends CapsuleError {
  readonly limitMs: number;
  readonly elapsedMs: number;

  constructor(limitMs: number, elapsedMs: number) {
    super(
      "TIMEOUT",
      `the function was stopped as '-timeout' allows it ${limitMs} ms: it took ${
        Math.round(elapsedMs)
      } ms`,
    );
    this.limitMs = limitMs;
    this.elapsedMs = Math.round(elapsedMs);
  }
}
