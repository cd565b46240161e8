import type { CoreValue } from "../abi/codec.ts";
import { trap } from "../abi/context.ts";
import { CallCodec } from "../instance/calls.ts";
import { CallContext, type ComponentInstance } from "../instance/component_instance.ts";
import type { CoreItems } from "../instance/core_items.ts";
import type { CoreFunction } from "../instance/waiting_import.ts";
import { conventionOf } from "../link/canon_options.ts";
import type { FuncSource } from "../link/items.ts";
import type { Scheduler } from "./scheduler.ts";
import { Task, type TaskCaller, Thread } from "./task.ts";
import { cancelledEvent, noEvent, type WaitableEvent, WaitableSet } from "./waitable.ts";

type LiftedSource = FuncSource & { readonly kind: "lifted" };

/** A step of a thread: a call of core code, or a wait, which yields whether it was cancelled. */
type Step =
  | { readonly kind: "call"; readonly func: CoreFunction; readonly args: readonly CoreValue[] }
  | { readonly kind: "wait"; readonly isReady: () => boolean; readonly yields: boolean };

type Steps = Generator<Step, void, CoreValue | boolean | undefined>;

/** Codes that a callback returns, in the lowest four bits. */
const callbackCodes = { exit: 0, yield: 1, wait: 2 } as const;

/** A call that was started. */
export interface StartedCall {
  /** Resolves when the function's thread has parked or ended; undefined if it has ended. */
  readonly parked: Promise<void> | undefined;
  /** Requests its cancellation; a promise if code of the function runs meanwhile. */
  cancel(): void | Promise<void>;
}

/** Starts a call of a component function. */
export type StartCall = (caller: TaskCaller) => StartedCall;

/**
 * Calls of the functions that a component lifts, of the synchronous and the asynchronous ABI.
 *
 * @see CanonicalABI.md, "canon lift"
 */
export class LiftedCalls {
  readonly #items: CoreItems;
  readonly #scheduler: Scheduler;

  constructor(items: CoreItems, scheduler: Scheduler) {
    this.#items = items;
    this.#scheduler = scheduler;
  }

  /** Returns a function that starts calls of a lifted function. */
  of(source: LiftedSource): StartCall {
    const { type, options } = source;
    const codec = new CallCodec(type, conventionOf(options, "lift"));
    const instance = this.#items.instances[source.instance] as ComponentInstance;
    const abi = this.#items.abiOptions(options, instance);
    return (caller) => {
      const leave = instance.enter(caller.instance);
      const task = new Task(source, instance, caller);
      const steps = (thread: Thread) => this.#steps(thread, codec, new CallContext(abi()));
      const thread = new Thread(task, (thread) => this.#runParking(thread, steps(thread)));
      task.implicitThread = thread;
      const cancel = () => this.#cancel(task, caller.instance);
      if (!this.#scheduler.canPark) {
        this.#scheduler.runTentatively(thread, () => this.#runTentatively(thread, steps(thread)));
        leave();
        return { parked: undefined, cancel };
      }
      return { parked: this.#start(task, thread).then(leave), cancel };
    };
  }

  async #start(task: Task, thread: Thread): Promise<void> {
    await this.#scheduler.resume(thread);
    if (task.source.type.isAsync) return;
    await this.#scheduler.runWithin(task.instance, () => task.isResolved);
  }

  /** Runs a thread of a tentative call, in which no thread parks. */
  #runTentatively(thread: Thread, steps: Steps): void {
    for (let next = steps.next(); !next.done;) {
      const step = next.value;
      next = steps.next(
        step.kind === "call"
          ? step.func(...step.args)
          : this.#scheduler.waitUntil(thread, step.isReady, waitOptions(step)) as boolean,
      );
    }
  }

  async #runParking(thread: Thread, steps: Steps): Promise<void> {
    const scheduler = this.#scheduler;
    for (let next = steps.next(); !next.done;) {
      const step = next.value;
      const value = step.kind === "call"
        ? await this.#items.promising(step.func)(...step.args) as CoreValue | undefined
        : await scheduler.waitUntil(thread, step.isReady, waitOptions(step));
      next = steps.next(value);
    }
  }

  /** The steps of the thread that a call starts. */
  *#steps(thread: Thread, codec: CallCodec, context: CallContext): Steps {
    const { task } = thread;
    const { instance, source } = task;
    const { type, options } = source;
    if (type.isAsync && !(yield* this.#enter(thread))) return;
    task.register(thread);
    task.context = context;
    const args = codec.lowerParams(context, task.start());
    const func = this.#items.func(source.func);
    const returned = (yield { kind: "call", func, args }) as CoreValue | undefined;
    if (!options.isAsync) {
      task.return(codec.liftResult(context, returned));
      if (options.postReturn) {
        instance.mayLeave = false;
        const func = this.#items.func(options.postReturn);
        yield { kind: "call", func, args: returned === undefined ? [] : [returned] };
        instance.mayLeave = true;
      }
    } else if (options.callback) {
      yield* this.#callBack(thread, this.#items.func(options.callback), Number(returned));
    }
    task.unregister(thread);
    if (type.isAsync && task.needsExclusive) instance.exclusive = undefined;
  }

  /** Waits while the instance has backpressure. Returns false if the task was cancelled. */
  *#enter(thread: Thread): Generator<Step, boolean, CoreValue | boolean | undefined> {
    const { task } = thread;
    const { instance } = task;
    if (task.hasBackpressure() || instance.waitingToEnter > 0) {
      instance.waitingToEnter++;
      const isReady = () => !task.hasBackpressure();
      const isCancelled = yield { kind: "wait", isReady, yields: false };
      instance.waitingToEnter--;
      if (isCancelled) {
        task.cancel();
        return false;
      }
    }
    if (task.needsExclusive) instance.exclusive = thread;
    return true;
  }

  /** Calls the callback for each event that it waits for, until it exits. */
  *#callBack(thread: Thread, func: CoreFunction, first: number): Steps {
    const { instance } = thread.task;
    const isFree = () => instance.exclusive === undefined;
    for (let packed = first >>> 0; (packed & 15) !== callbackCodes.exit;) {
      instance.exclusive = undefined;
      let event: WaitableEvent;
      switch (packed & 15) {
        case callbackCodes.yield: {
          const isCancelled = yield { kind: "wait", isReady: isFree, yields: true };
          event = isCancelled ? cancelledEvent : noEvent;
          break;
        }
        case callbackCodes.wait: {
          const set = instance.handles.entry(packed >>> 4, WaitableSet, "waitable set");
          set.waiting++;
          const isReady = () => isFree() && set.hasEvent;
          const isCancelled = yield { kind: "wait", isReady, yields: false };
          set.waiting--;
          event = isCancelled ? cancelledEvent : set.takeEvent();
          break;
        }
        default:
          throw trap(`unsupported callback code: ${packed & 15}`);
      }
      instance.exclusive = thread;
      const args = [event.code, event.index, event.payload];
      packed = Number(yield { kind: "call", func, args }) >>> 0;
    }
  }

  #cancel(task: Task, caller: ComponentInstance | undefined): void | Promise<void> {
    if (task.isResolved) return;
    const { instance, implicitThread } = task;
    const scheduler = this.#scheduler;
    if (task.state === "initial") {
      task.state = "cancel delivered";
      return implicitThread && scheduler.resume(implicitThread, true);
    }
    const isBlocked = task.needsExclusive && instance.exclusive !== undefined &&
      instance.exclusive !== implicitThread;
    const thread = [...task.threads].find((one) =>
      one.isCancellable && !(isBlocked && one === implicitThread)
    );
    if (!thread || !instance.mayEnterFrom(caller)) {
      task.state = "pending cancel";
      return;
    }
    task.state = "cancel delivered";
    const leave = instance.enter(caller);
    return scheduler.resume(thread, true).then(leave);
  }
}

/** The waits of lifted functions can be cancelled. */
function waitOptions({ yields }: Step & { kind: "wait" }) {
  return { isCancellable: true, yields };
}
