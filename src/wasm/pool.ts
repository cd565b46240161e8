import { CapsuleError } from "../base/errors.ts";
import { type Timer, unref } from "../base/timers.ts";
import { TimeoutError } from "./limit_errors.ts";

/** Limits of a pool, and how its values are made. */
export interface PoolOptions<T extends Closable> {
  readonly create: () => T;
  readonly maxInstances: number;
  /** Reports whether there is memory for another value. Default: always. */
  readonly hasRoom?: () => boolean;
  /** Maximum number of callers that queue for an instance. */
  readonly maxQueue: number;
  /** Time after which an idle instance is closed, in milliseconds. */
  readonly idleMs: number;
}

/** A value that a pool creates and closes. */
export interface Closable {
  close(): void;
}

/** A pooled value, as the pool lends it. */
export interface Lease<T> {
  readonly value: T;
}

/** The queue of a pool is full. */
export class OverloadedError extends CapsuleError {
  constructor(message: string) {
    super("OVERLOADED", message);
  }

  /** Returns the error of a function that has no free instance and no place in its queue. */
  static ofCalls(busy: number, { maxInstances, maxQueue }: PoolLimits): OverloadedError {
    const running = busy < maxInstances
      ? `${busy} calls use '-maxTotalMemory'`
      : `'-maxInstances=${maxInstances}' calls run`;
    return new OverloadedError(`the function is busy: ${running} and '-maxQueue=${maxQueue}' wait`);
  }

  /** Returns the error of a function that has no memory for another instance. */
  static ofMemory(limitBytes: number): OverloadedError {
    return new OverloadedError(
      `the function is busy: its calls use '-maxTotalMemory=${limitBytes >> 20}MiB'`,
    );
  }
}

type PoolLimits = Pick<PoolOptions<Closable>, "maxInstances" | "maxQueue">;

const sweepsUntilClosed = 4;

/** A pooled value and its state. Made once per value, so that lending does not allocate. */
interface Slot<T> extends Lease<T> {
  state: "idle" | "lent" | "closed";
  /**
   * The number of the sweep after which the value became idle. Hot path: no clock is read (bench:
   * `in-process`).
   */
  idleSince: number;
}

interface Waiter<T> {
  readonly resolve: (lease: Lease<T>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A pool of instances of one module. Last in, first out, as the memory of the last one is still
 * cached. It grows on demand; callers beyond its limit queue in order of arrival.
 */
export class Pool<T extends Closable> {
  readonly #options: PoolOptions<T>;
  readonly #idle: Slot<T>[] = [];
  #sweeps = 0;
  #lent = 0;
  readonly #queue = new Set<Waiter<T>>();
  #sweeper: Timer | undefined;
  #isClosed = false;

  constructor(options: PoolOptions<T>) {
    if (options.maxInstances < 1) {
      throw new CapsuleError(
        "POOL",
        `Cannot open pool as 'maxInstances' must be >= 1: current value is ${options.maxInstances}`,
      );
    }
    this.#options = options;
  }

  /** The number of instances, of those that are lent, and of callers that queue. */
  get figures(): { instances: number; busy: number; queued: number } {
    return {
      instances: this.#idle.length + this.#lent,
      busy: this.#lent,
      queued: this.#queue.size,
    };
  }

  /** Lends the instance used last, or a new one; undefined when the limit is reached. */
  take(): Lease<T> | undefined {
    let slot = this.#idle.pop();
    if (!slot) {
      const { maxInstances, hasRoom } = this.#options;
      if (this.#lent >= maxInstances || hasRoom?.() === false) return undefined;
      slot = { value: this.#options.create(), state: "idle", idleSince: 0 };
    }
    slot.state = "lent";
    this.#lent++;
    return slot;
  }

  /**
   * Lends an instance as soon as there is one.
   *
   * @param timeoutMs how long to queue, 0 for no limit.
   * @param onQueued receives a function that leaves the queue.
   * @throws OverloadedError if `maxQueue` callers queue already; TimeoutError; the reason passed to
   * the function that leaves the queue.
   */
  takeLater(
    timeoutMs: number,
    onQueued?: (leave: (reason: CapsuleError) => void) => void,
  ): Promise<Lease<T>> {
    const lease = this.take();
    if (lease) return Promise.resolve(lease);
    if (this.#queue.size >= this.#options.maxQueue) {
      return Promise.reject(OverloadedError.ofCalls(this.#lent, this.#options));
    }
    return new Promise((resolve, reject) => {
      const cameMs = performance.now();
      const waiter: Waiter<T> = {
        resolve: (lease) => {
          clearTimeout(timer);
          resolve(lease);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      const leave = (reason: CapsuleError) => {
        if (this.#queue.delete(waiter)) waiter.reject(reason);
      };
      const onLate = () => leave(new TimeoutError(timeoutMs, performance.now() - cameMs));
      const timer = timeoutMs > 0 ? setTimeout(onLate, timeoutMs) : undefined;
      this.#queue.add(waiter);
      onQueued?.(leave);
    });
  }

  /**
   * Takes back an instance.
   *
   * @param isHealthy false for an instance that must not be used again; it is closed.
   */
  giveBack(lease: Lease<T>, isHealthy: boolean): void {
    const slot = lease as Slot<T>;
    if (slot.state !== "lent") throw new Error("an instance was given back that is not lent");
    this.#lent--;
    if (isHealthy && !this.#isClosed) {
      slot.state = "idle";
      slot.idleSince = this.#sweeps;
      this.#idle.push(slot);
      this.#sweeper ??= unref(
        setInterval(() => this.#sweep(), this.#options.idleMs / sweepsUntilClosed),
      );
    } else close(slot);
    if (this.#queue.size > 0) this.#serveQueue();
  }

  /** Closes all idle instances. */
  closeIdle(): void {
    this.#closeOldest(this.#idle.length);
  }

  /** Closes idle instances and rejects queued callers. Lent ones are closed when given back. */
  close(): void {
    this.#isClosed = true;
    this.#closeOldest(this.#idle.length);
    for (const waiter of this.#queue) {
      waiter.reject(new CapsuleError("CLOSED", "the function is stopped"));
    }
    this.#queue.clear();
    this.#stopSweeper();
  }

  #serveQueue(): void {
    const [waiter] = this.#queue;
    if (!waiter) return;
    try {
      const lease = this.take();
      if (!lease) return;
      this.#queue.delete(waiter);
      waiter.resolve(lease);
    } catch (error) {
      this.#queue.delete(waiter);
      waiter.reject(error);
    }
  }

  #sweep(): void {
    const oldest = ++this.#sweeps - sweepsUntilClosed;
    let expired = 0;
    while ((this.#idle[expired]?.idleSince ?? Infinity) < oldest) expired++;
    this.#closeOldest(expired);
    if (this.#idle.length === 0) this.#stopSweeper();
  }

  #closeOldest(count: number): void {
    for (const slot of this.#idle.splice(0, count)) close(slot);
  }

  #stopSweeper(): void {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}

function close<T extends Closable>(slot: Slot<T>): void {
  slot.state = "closed";
  slot.value.close();
}
