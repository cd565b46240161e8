import { CapsuleError } from "../base/errors.ts";
import { type Timer, unref } from "../base/timers.ts";
import { TimeoutError } from "./guest.ts";

/** What a pool lends. */
export interface Poolable {
  /** The pool's own: whether somebody has it. False at first. */
  isLent: boolean;
  /** Called once, when the pool lets go of it. */
  close(): void;
}

/** How many instances there may be, and how many callers may wait for one. */
export interface PoolOptions<T extends Poolable> {
  readonly create: () => T;
  readonly maxInstances: number;
  readonly maxQueue: number;
  /** How long an instance may lie idle before it is freed, in milliseconds. */
  readonly idleMs: number;
}

/** Too many callers wait already. */
export class OverloadedError extends CapsuleError {
  constructor(maxInstances: number, maxQueue: number) {
    super(
      "OVERLOADED",
      `the function is busy: '-maxInstances=${maxInstances}' calls run and '-maxQueue=${maxQueue}' wait`,
    );
  }
}

const sweepsUntilFreed = 4;

interface Waiter<T> {
  readonly resolve: (instance: T) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Instances of one module. The one given back last is lent first, for its memory is still in the processor's cache;
 * the pool grows on demand, and callers beyond its limit wait in the order in which they came.
 */
export class Pool<T extends Poolable> {
  readonly #options: PoolOptions<T>;
  readonly #idle: T[] = [];
  /** The sweep after which each idle instance came back: a look at the clock for each call would cost more. */
  readonly #idleSince: number[] = [];
  #sweeps = 0;
  #lent = 0;
  readonly #queue = new Set<Waiter<T>>();
  #sweeper: Timer | undefined;
  #closed = false;

  constructor(options: PoolOptions<T>) {
    if (options.maxInstances < 1) {
      throw new CapsuleError(
        "POOL",
        `Cannot open pool as 'maxInstances' must be >= 1: current value is ${options.maxInstances}`,
      );
    }
    this.#options = options;
  }

  /** How many instances there are, how many of them are lent, and how many callers wait. */
  get figures(): { instances: number; busy: number; queued: number } {
    return {
      instances: this.#idle.length + this.#lent,
      busy: this.#lent,
      queued: this.#queue.size,
    };
  }

  /** An instance, at once: the one used last, or a new one, or none when the limit is reached. */
  take(): T | undefined {
    let instance = this.#idle.pop();
    if (instance) this.#idleSince.pop();
    else if (this.#lent < this.#options.maxInstances) instance = this.#options.create();
    if (instance) {
      instance.isLent = true;
      this.#lent++;
    }
    return instance;
  }

  /**
   * An instance as soon as there is one. Who has to wait for it waits `timeoutMs` at most (0: for ever), and `onQueued` is given what
   * takes the caller out of the queue before.
   *
   * @throws OverloadedError when `maxQueue` callers wait already; TimeoutError; the reason for which it left the queue.
   */
  takeLater(
    timeoutMs: number,
    onQueued?: (leave: (reason: CapsuleError) => void) => void,
  ): Promise<T> {
    const instance = this.take();
    if (instance) return Promise.resolve(instance);
    const { maxInstances, maxQueue } = this.#options;
    if (this.#queue.size >= maxQueue) {
      return Promise.reject(new OverloadedError(maxInstances, maxQueue));
    }
    return new Promise((resolve, reject) => {
      const cameMs = performance.now();
      const waiter: Waiter<T> = {
        resolve: (instance) => {
          clearTimeout(timer);
          resolve(instance);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      const leave = (reason: CapsuleError) => {
        if (this.#queue.delete(waiter)) waiter.reject(reason);
      };
      const isLate = () => leave(new TimeoutError(timeoutMs, performance.now() - cameMs));
      const timer = timeoutMs > 0 ? setTimeout(isLate, timeoutMs) : undefined;
      this.#queue.add(waiter);
      onQueued?.(leave);
    });
  }

  /** Takes back what was lent; `healthy` is false for what must not be used again. */
  giveBack(instance: T, healthy: boolean): void {
    if (!instance.isLent) throw new Error("an instance was given back that is not lent");
    instance.isLent = false;
    this.#lent--;
    if (healthy && !this.#closed) {
      this.#idle.push(instance);
      this.#idleSince.push(this.#sweeps);
      this.#sweeper ??= unref(
        setInterval(() => this.#sweep(), this.#options.idleMs / sweepsUntilFreed),
      );
    } else {
      instance.close();
    }
    if (this.#queue.size > 0) this.#serveQueue();
  }

  /** Frees all idle instances, and refuses those who wait. Lent ones are freed when they come back. */
  close(): void {
    this.#closed = true;
    this.#free(this.#idle.length);
    for (const waiter of this.#queue) {
      waiter.reject(new CapsuleError("CLOSED", "the function is stopped"));
    }
    this.#queue.clear();
    this.#stopSweeper();
  }

  #serveQueue(): void {
    const [waiter] = this.#queue;
    if (!waiter) return;
    this.#queue.delete(waiter);
    try {
      const instance = this.take();
      if (instance) waiter.resolve(instance);
      else this.#queue.add(waiter); // cannot be: one was just given back
    } catch (error) {
      waiter.reject(error);
    }
  }

  #sweep(): void {
    const oldest = ++this.#sweeps - sweepsUntilFreed;
    let idleTooLong = 0;
    while ((this.#idleSince[idleTooLong] ?? Infinity) < oldest) idleTooLong++;
    this.#free(idleTooLong);
    if (this.#idle.length === 0) this.#stopSweeper();
  }

  /** Frees those that have been idle longest. */
  #free(count: number): void {
    this.#idleSince.splice(0, count);
    for (const instance of this.#idle.splice(0, count)) instance.close();
  }

  #stopSweeper(): void {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
