import type { Value } from "../abi/codec.ts";
import { trap } from "../abi/context.ts";
import type { OtherEntry } from "../abi/handle_table.ts";
import type { CallContext, ComponentInstance } from "../instance/component_instance.ts";
import type { FuncSource } from "../link/items.ts";

/** The outcome of a task: its result, or that it was cancelled. */
export type Outcome = { readonly value: Value } | "cancelled";

/** The caller of a function: it provides the arguments and is notified of the outcome. */
export interface TaskCaller {
  /** Called when the function starts: returns its arguments. */
  readonly onStart: () => readonly Value[];
  /** Called when the function returns, which may be before its threads end. */
  readonly onResolve: (outcome: Outcome) => void;
  /** The component instance that calls; undefined for the host. */
  readonly instance: ComponentInstance | undefined;
}

type TaskState = "initial" | "started" | "pending cancel" | "cancel delivered" | "resolved";

/**
 * A call of a lifted function.
 *
 * @see CanonicalABI.md, "Tasks"
 */
export class Task {
  readonly source: FuncSource & { readonly kind: "lifted" };
  readonly instance: ComponentInstance;
  readonly #caller: TaskCaller;
  /** The context of its parameters, whose borrows must be dropped before it returns. */
  context: CallContext | undefined;
  state: TaskState = "initial";
  /** The thread that the call started. */
  implicitThread: Thread | undefined;
  readonly threads = new Set<Thread>();

  constructor(source: Task["source"], instance: ComponentInstance, caller: TaskCaller) {
    this.source = source;
    this.instance = instance;
    this.#caller = caller;
  }

  /** True if no other such task may run in its instance at the same time. */
  get needsExclusive(): boolean {
    const { options } = this.source;
    return !options.isAsync || options.callback !== undefined;
  }

  get isResolved(): boolean {
    return this.state === "resolved";
  }

  /** Reports whether it must wait before it starts. */
  hasBackpressure(): boolean {
    return this.instance.backpressure > 0 ||
      (this.needsExclusive && this.instance.exclusive !== undefined);
  }

  /** Starts the task. Returns its arguments. */
  start(): readonly Value[] {
    this.state = "started";
    return this.#caller.onStart();
  }

  /** @throws a trap if it has returned, or if it still has borrowed handles. */
  return(value: Value): void {
    this.requireUnresolved();
    this.#resolve({ value });
  }

  /** @throws a trap if no cancellation was delivered, or if it still has borrowed handles. */
  cancel(): void {
    this.requireUnresolved();
    if (this.state !== "cancel delivered") {
      throw trap("`task.cancel` called by task which has not been cancelled");
    }
    this.#resolve("cancelled");
  }

  /** @throws a trap if it has returned or was cancelled. */
  requireUnresolved(): void {
    if (this.isResolved) throw trap("`task.return` or `task.cancel` called more than once");
  }

  #resolve(outcome: Outcome): void {
    this.context?.checkBorrowsReturned();
    this.state = "resolved";
    this.#caller.onResolve(outcome);
  }

  /** Delivers a cancellation that was requested while no thread could receive it. */
  takeCancellation(isCancellable: boolean): boolean {
    if (!isCancellable || this.state !== "pending cancel") return false;
    this.state = "cancel delivered";
    return true;
  }

  register(thread: Thread): void {
    this.threads.add(thread);
    thread.index = this.instance.threads.add(thread);
  }

  /** @throws a trap if it was the last thread and the task has not returned. */
  unregister(thread: Thread): void {
    this.threads.delete(thread);
    if (this.threads.size === 0 && !this.isResolved) {
      throw trap("async-lifted export failed to produce a result");
    }
    this.instance.threads.removeEntry(thread.index, Thread, "thread");
  }
}

/**
 * State of a thread.
 *
 * - `suspended`: it runs only when another thread resumes it.
 * - `waiting`: it runs once `isReady` returns true.
 * - `running`: its code runs, or waits for a call that it made synchronously.
 */
type ThreadState =
  | { readonly kind: "suspended" | "running" }
  | { readonly kind: "waiting"; readonly isReady: () => boolean };

/** Resolved when a thread parks or ends: with a thread that runs next, if it names one. */
type Parked = PromiseWithResolvers<Thread | undefined>;

/**
 * A thread of a component: core code with a stack of its own, which runs until it parks or ends.
 * In a tentative call no thread parks, since the call is rerun instead.
 *
 * @see CanonicalABI.md, "Threads"
 */
export class Thread implements OtherEntry {
  readonly resource = undefined;
  readonly task: Task;
  /** Storage of `context.get` and `context.set`. */
  readonly storage: [number, number] = [0, 0];
  /** Index in its instance's table of threads; 0 before it is registered. */
  index = 0;
  /** True while it is parked where a cancellation can resume it. */
  isCancellable = false;
  #state: ThreadState = { kind: "suspended" };
  #wake: ((isCancelled: boolean) => void) | undefined;
  #parked: Parked | undefined;
  readonly #start: (thread: Thread) => Promise<void>;

  /** @param start runs its code from the start, so that it can park. */
  constructor(task: Task, start: (thread: Thread) => Promise<void>) {
    this.task = task;
    this.#start = start;
  }

  get isSuspended(): boolean {
    return this.#state.kind === "suspended";
  }

  get isReady(): boolean {
    return this.#state.kind === "waiting" && this.#state.isReady();
  }

  get isParked(): boolean {
    return this.#wake !== undefined;
  }

  setWaiting(isReady: () => boolean): void {
    this.#state = { kind: "waiting", isReady };
  }

  setSuspended(): void {
    this.#state = { kind: "suspended" };
  }

  /** Runs it until it parks or ends. Rejects with what its code throws. */
  run(isCancelled: boolean): Promise<Thread | undefined> {
    this.#state = { kind: "running" };
    const parked: Parked = this.#parked = Promise.withResolvers();
    const wake = this.#wake;
    this.#wake = undefined;
    if (wake) wake(isCancelled);
    else {
      this.#start(this).then(
        () => this.#parked?.resolve(undefined),
        (error) => this.#parked?.reject(error),
      );
    }
    return parked.promise;
  }

  /**
   * Parks the thread, whose state was set. Resolves with whether a cancellation resumed it.
   *
   * @param next the thread that runs immediately afterwards.
   */
  park(isCancellable: boolean, next?: Thread): Promise<boolean> {
    this.isCancellable = isCancellable;
    return new Promise((resolve) => {
      this.#wake = (isCancelled) => {
        this.isCancellable = false;
        resolve(isCancelled);
      };
      this.#parked?.resolve(next);
    });
  }
}
