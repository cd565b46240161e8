import type { Guest } from "../../wasm/guest.ts";
import { trap } from "../abi/context.ts";
import type { ComponentInstance } from "../instance/component_instance.ts";
import type { HostTasks, HostWork } from "../instance/host.ts";
import type { Thread } from "./task.ts";

/**
 * Runs the threads of one component, one at a time: a thread runs until it parks or ends.
 *
 * A tentative call has no scheduling: its threads run synchronously, and the call is rerun as an
 * awaitable one if a thread would have to park.
 *
 * @see CanonicalABI.md, "Embedding API"
 */
export class Scheduler implements HostTasks {
  /** The thread whose code runs. */
  current: Thread | undefined;
  readonly #guest: Guest;
  /** Threads that are parked until they are ready, in the order in which they began to wait. */
  readonly #waiting = new Set<Thread>();
  /** Results of host work, which are applied when no thread runs. */
  readonly #arrivals: (() => void)[] = [];
  readonly #hostWork = new Set<HostWork>();
  #arrived = Promise.withResolvers<void>();
  #innerStorage: [number, number] | undefined;
  /** Threads of a tentative call that run, each called by the one before. */
  #depth = 0;
  #parked = 0;

  constructor(guest: Guest) {
    this.#guest = guest;
  }

  /** True if calls may wait, so that threads may park. */
  get canPark(): boolean {
    return this.#guest.mayWait;
  }

  /** The number of threads that are parked. */
  get parked(): number {
    return this.#parked;
  }

  /** True if nothing would continue: no thread is parked, and no host work is in progress. */
  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#hostWork.size === 0;
  }

  /** Forgets all threads and host work. Their suspended code never continues. */
  reset(): void {
    this.current = undefined;
    this.#innerStorage = undefined;
    this.#depth = 0;
    this.#parked = 0;
    this.#waiting.clear();
    this.#arrivals.length = 0;
    for (const work of this.#hostWork) work.cancel();
    this.#hostWork.clear();
    this.#arrived = Promise.withResolvers();
  }

  /** Runs a function of the guest, such as `realloc`, on a thread of its own that cannot park. */
  runInside<T>(call: () => T): T {
    const before = this.#innerStorage;
    this.#innerStorage = [0, 0];
    try {
      return this.#guest.inside(call);
    } finally {
      this.#innerStorage = before;
    }
  }

  /** Runs the code of a thread of a tentative call, which cannot park. */
  runTentatively(thread: Thread, run: () => void): void {
    const before = this.current;
    this.current = thread;
    this.#depth++;
    run();
    this.#depth--;
    this.current = before;
  }

  /** The storage of `context.get` and `context.set`. */
  get storage(): [number, number] {
    return this.#innerStorage ?? this.running.storage;
  }

  /** Returns the running thread. @throws a trap if core code runs outside of any, as at start. */
  get running(): Thread {
    if (!this.current) throw trap("cannot call this built-in outside of a call");
    return this.current;
  }

  /**
   * Runs a thread, and those that it switches to, until one parks or ends.
   *
   * Rejects with what its code throws.
   */
  async resume(thread: Thread, isCancelled = false): Promise<void> {
    const before = this.current;
    let next: Thread | undefined = thread;
    let cancels = isCancelled;
    while (next) {
      this.#waiting.delete(next);
      this.current = next;
      if (next.isParked) this.#parked--;
      next = await next.run(cancels);
      cancels = false;
    }
    this.current = before;
  }

  /**
   * Begins to wait on the running thread until `isReady`. Returns undefined if it need not park,
   * or the wait, which resolves with whether it was cancelled.
   */
  waitUntil(
    thread: Thread,
    isReady: () => boolean,
    { isCancellable = false, yields = false }: { isCancellable?: boolean; yields?: boolean } = {},
  ): boolean | Promise<boolean> {
    if (thread.task.takeCancellation(isCancellable)) return true;
    // In a tentative call with one thread, nothing else could run meanwhile.
    const mustPark = yields ? this.canPark || this.#depth > 1 || !this.isIdle : !isReady();
    if (!mustPark) return false;
    this.#guest.beforeWait();
    thread.setWaiting(isReady);
    this.#waiting.add(thread);
    return this.#park(thread, isCancellable);
  }

  #park(thread: Thread, isCancellable: boolean, next?: Thread): Promise<boolean> {
    this.#parked++;
    return thread.park(isCancellable, next);
  }

  /** Ends a tentative call, in which no thread can park. */
  requirePark(): void {
    this.#guest.beforeWait();
  }

  /**
   * Suspends the running thread until another one resumes it. Resolves as `waitUntil`.
   *
   * @param next the thread that runs immediately afterwards.
   */
  suspend(thread: Thread, isCancellable: boolean, next?: Thread): boolean | Promise<boolean> {
    if (thread.task.takeCancellation(isCancellable)) return true;
    this.#guest.beforeWait();
    thread.setSuspended();
    return this.#park(thread, isCancellable, next);
  }

  /** Lets others run before the running thread, `next` first. Resolves as `waitUntil`. */
  yieldTo(thread: Thread, isCancellable: boolean, next?: Thread): boolean | Promise<boolean> {
    if (thread.task.takeCancellation(isCancellable)) return true;
    this.#guest.beforeWait();
    this.resumeLater(thread);
    return this.#park(thread, isCancellable, next);
  }

  /** Makes a suspended thread run when no other one does. */
  resumeLater(thread: Thread): void {
    thread.setWaiting(() => true);
    this.#waiting.add(thread);
  }

  /**
   * Applies the result of host work between runs of threads.
   *
   * @param apply called with the value, unless the work was cancelled. Its errors end the call.
   */
  add<T>(work: Promise<T>, apply: (value: T) => void): HostWork {
    let isCancelled = false;
    const added: HostWork = {
      cancel: () => {
        isCancelled = true;
        this.#hostWork.delete(added);
      },
    };
    this.#hostWork.add(added);
    const arrive = (end: () => void) => {
      if (!this.#hostWork.delete(added)) return;
      // It may be cancelled between its arrival and the end of the running thread.
      this.#arrivals.push(() => {
        if (!isCancelled) end();
      });
      this.#arrived.resolve();
    };
    work.then((value) => arrive(() => apply(value)), (error) =>
      arrive(() => {
        throw error;
      }));
    return added;
  }

  /**
   * Runs threads until `isDone` and nothing can continue.
   *
   * @throws a trap if it is not done and nothing can continue; what a thread or host work throws.
   */
  async run(isDone: () => boolean): Promise<void> {
    for (;;) {
      for (let apply; (apply = this.#arrivals.shift());) apply();
      const thread = this.#findReady();
      if (thread) {
        await this.#resumeEntered(thread);
      } else if (this.#hostWork.size > 0) {
        await this.#guest.waitFor(this.#arrived.promise, () => {}, () => {});
        this.#arrived = Promise.withResolvers();
      } else if (isDone()) {
        return;
      } else {
        throw trap("deadlock detected: event loop cannot make further progress");
      }
    }
  }

  /** Runs ready threads of an instance until its synchronous task has returned. */
  async runWithin(instance: ComponentInstance, isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      const thread = this.#findReady((one) =>
        one.task.instance === instance && one !== instance.exclusive
      );
      if (!thread) throw trap("cannot block a synchronous task before returning");
      await this.resume(thread);
    }
  }

  #findReady(isEligible: (thread: Thread) => boolean = () => true): Thread | undefined {
    this.#guest.assertInTime();
    for (const thread of this.#waiting) {
      if (isEligible(thread) && thread.isReady) return thread;
    }
  }

  async #resumeEntered(thread: Thread): Promise<void> {
    const leave = thread.task.instance.enter(undefined);
    await this.resume(thread);
    leave();
  }
}
