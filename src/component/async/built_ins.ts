import { type CoreValue, FlatReader } from "../abi/codec.ts";
import { checkRange, type Memory, trap } from "../abi/context.ts";
import { loadString, storeString } from "../abi/strings.ts";
import { CallCodec } from "../instance/calls.ts";
import { CallContext, type ComponentInstance } from "../instance/component_instance.ts";
import type { CoreItems } from "../instance/core_items.ts";
import type { CoreFunction } from "../instance/waiting_import.ts";
import type { BuiltIn } from "../link/built_in.ts";
import { difference } from "../types/equal.ts";
import { GuestBuffer } from "./copy_buffers.ts";
import { CopyEnd } from "./copy_end.ts";
import { ErrorContext } from "./error_context.ts";
import type { Scheduler } from "./scheduler.ts";
import { type CopyResult, copyResults, SharedFuture, SharedStream } from "./shared_copies.ts";
import { Subtask } from "./subtask.ts";
import { Thread } from "./task.ts";
import {
  cancelledEvent,
  eventCodes,
  noEvent,
  Waitable,
  type WaitableEvent,
  WaitableSet,
} from "./waitable.ts";

/** The instance of a built-in, and the parts of the component that it needs. */
export interface BuiltInContext {
  /** The component instance that calls it. */
  readonly instance: ComponentInstance;
  readonly items: CoreItems;
  readonly scheduler: Scheduler;
}

/** A built-in as core code calls it; its result is a promise if it has to wait. */
export type BuiltInFunction = (
  ...args: readonly (number | undefined)[]
) => CoreValue | undefined | void | Promise<CoreValue | undefined>;

/** Returned to core code for an operation that has not ended: an event reports its end. */
const blocked = 0xffff_ffff | 0;
const maxBackpressure = 2 ** 16;

/** Reports whether a built-in may wait, so that it is called as an import that suspends. */
export function mayWait({ name, flag, options }: BuiltIn): boolean {
  switch (name) {
    case "subtask.cancel":
    case "waitable-set.wait":
    case "thread.yield":
    case "thread.suspend":
    case "thread.suspend-then-resume":
    case "thread.yield-then-resume":
    case "thread.suspend-then-promote":
    case "thread.yield-then-promote":
      return true;
    case "stream.read":
    case "stream.write":
    case "future.read":
    case "future.write":
      return options?.isAsync === false;
    case "stream.cancel-read":
    case "stream.cancel-write":
    case "future.cancel-read":
    case "future.cancel-write":
      return !flag;
    default:
      return false;
  }
}

/**
 * Makes a built-in. All but `context` and `backpressure` trap if their instance may not be left.
 *
 * @see CanonicalABI.md, "Canonical Definitions"
 */
export function makeBuiltIn(builtIn: BuiltIn, context: BuiltInContext): BuiltInFunction {
  const { name } = builtIn;
  const { instance } = context;
  const made = make(builtIn, context);
  if (/^(context|backpressure)\./.test(name)) return made;
  return (...args) => {
    if (!instance.mayLeave) throw trap("cannot leave component instance");
    return made(...args);
  };
}

function make(builtIn: BuiltIn, context: BuiltInContext): BuiltInFunction {
  const { name, flag } = builtIn;
  const { instance, scheduler } = context;
  const { handles } = instance;
  switch (name) {
    case "task.return":
      return taskReturn(builtIn, context);
    case "task.cancel":
      return () => {
        const { task } = scheduler.running;
        if (!task.source.options.isAsync) {
          throw trap("invalid `task.cancel` call for current task: it is not asynchronous");
        }
        task.cancel();
      };
    case "context.get":
      return () => scheduler.storage[builtIn.slot as 0 | 1];
    case "context.set":
      return (value = 0) => void (scheduler.storage[builtIn.slot as 0 | 1] = value);
    case "backpressure.inc":
      return () => {
        if (++instance.backpressure === maxBackpressure) {
          throw trap("backpressure counter overflow");
        }
      };
    case "backpressure.dec":
      return () => {
        if (--instance.backpressure < 0) throw trap("backpressure counter underflow");
      };
    case "waitable-set.new":
      return () => handles.add(new WaitableSet());
    case "waitable-set.wait":
    case "waitable-set.poll":
      return waitForEvent(builtIn, context);
    case "waitable-set.drop":
      return (index) => handles.removeEntry(toIndex(index), WaitableSet, "waitable set").dropped();
    case "waitable.join":
      return (index, setIndex) => {
        const waitable = handles.entry(toIndex(index), Waitable, "waitable");
        if (waitable.hasSyncWaiter) throw trap("waitable has a synchronous waiter");
        const set = toIndex(setIndex);
        waitable.join(
          set === 0 ? undefined : handles.entry(set, WaitableSet, "waitable set"),
        );
      };
    case "subtask.cancel":
      return (index) => cancelSubtask(toIndex(index), flag, context);
    case "subtask.drop":
      return (index) => handles.removeEntry(toIndex(index), Subtask, "subtask").dropped();
    case "error-context.new":
      return (pointer, length) => {
        const message = loadString(
          memoryContext(builtIn, context),
          toIndex(pointer),
          toIndex(length),
        );
        return handles.add(new ErrorContext(message));
      };
    case "error-context.debug-message":
      return (index, at) => {
        const { message } = handles.entry(toIndex(index), ErrorContext, "error context");
        const cx = memoryContext(builtIn, context);
        const { pointer, length } = storeString(cx, message);
        storePair(cx.memory, toIndex(at), [pointer, length]);
      };
    case "error-context.drop":
      return (index) => void handles.removeEntry(toIndex(index), ErrorContext, "error context");
    case "thread.index":
      return () => scheduler.running.index;
    case "thread.new-indirect":
      return (func, argument) => newThread(builtIn, context, { func: toIndex(func), argument });
    case "thread.resume-later":
      return (index) => scheduler.resumeLater(suspendedThread(context, index));
    case "thread.suspend":
      return () => toNumber(scheduler.suspend(scheduler.running, flag));
    case "thread.yield":
      return () =>
        toNumber(scheduler.waitUntil(scheduler.running, () => true, {
          isCancellable: flag,
          yields: true,
        }));
    case "thread.suspend-then-resume":
      return (index) =>
        toNumber(scheduler.suspend(scheduler.running, flag, suspendedThread(context, index)));
    case "thread.yield-then-resume":
      return (index) =>
        toNumber(scheduler.yieldTo(scheduler.running, flag, suspendedThread(context, index)));
    case "thread.suspend-then-promote":
      return (index) =>
        toNumber(scheduler.suspend(scheduler.running, flag, readyThread(context, index)));
    case "thread.yield-then-promote":
      return (index) =>
        toNumber(scheduler.yieldTo(scheduler.running, flag, readyThread(context, index)));
    case "stream.new":
    case "future.new":
      return () => {
        const shared = name === "stream.new"
          ? new SharedStream(builtIn.element)
          : new SharedFuture(builtIn.element);
        const readable = handles.add(new CopyEnd("readable", shared));
        const writable = handles.add(new CopyEnd("writable", shared));
        return BigInt(readable) | BigInt(writable) << 32n;
      };
    case "stream.read":
    case "stream.write":
    case "future.read":
    case "future.write":
      return copy(builtIn, context);
    case "stream.cancel-read":
    case "stream.cancel-write":
    case "future.cancel-read":
    case "future.cancel-write":
      return (index) => cancelCopy(builtIn, context, toIndex(index));
    case "stream.drop-readable":
    case "stream.drop-writable":
    case "future.drop-readable":
    case "future.drop-writable":
      return (index) => {
        const end = copyEnd(builtIn, context, toIndex(index));
        end.dropped();
        handles.removeEntry(toIndex(index), CopyEnd, end.shared.kind);
      };
  }
}

/** Returns an i32 argument as an unsigned number. */
function toIndex(argument: number | undefined): number {
  return (argument ?? 0) >>> 0;
}

function toNumber(isCancelled: boolean | Promise<boolean>): number | Promise<number> {
  return typeof isCancelled === "boolean" ? Number(isCancelled) : isCancelled.then(Number);
}

function threadAt({ instance }: BuiltInContext, index: number | undefined): Thread {
  return instance.threads.entry(toIndex(index), Thread, "thread");
}

function suspendedThread(context: BuiltInContext, index: number | undefined): Thread {
  const thread = threadAt(context, index);
  if (!thread.isSuspended) throw trap("cannot resume thread which is not suspended");
  return thread;
}

/** Returns a thread if it is ready to run, else undefined. */
function readyThread(context: BuiltInContext, index: number | undefined): Thread | undefined {
  const thread = threadAt(context, index);
  return thread.isReady ? thread : undefined;
}

function memoryContext({ options }: BuiltIn, { items, instance }: BuiltInContext): CallContext {
  if (!options) throw new Error("a built-in has no options");
  return new CallContext(items.abiOptions(options, instance)());
}

/** Stores two numbers of 32 bits. @throws a trap if they do not lie in the memory. */
function storePair(memory: Memory, at: number, [first, second]: readonly [number, number]): void {
  checkRange({ memory }, at, { size: 8, alignment: 4 });
  const { view } = memory;
  view.setUint32(at, first, true);
  view.setUint32(at + 4, second, true);
}

function taskReturn(
  { element, options }: BuiltIn,
  { items, instance, scheduler }: BuiltInContext,
): BuiltInFunction {
  if (!options) throw new Error("`task.return` has no options");
  const params = element === undefined ? [] : [{ label: "", type: element }];
  const codec = new CallCodec({ params, result: undefined }, "lower");
  const abi = items.abiOptions(options, instance);
  return (...args) => {
    const { task } = scheduler.running;
    const { type, options: lifted } = task.source;
    const invalid = (why: string) => trap(`invalid \`task.return\` call for current task: ${why}`);
    if (!lifted.isAsync) throw invalid("it is not asynchronous");
    if (difference(element, type.result) !== undefined) throw invalid("its result type differs");
    const isSame = lifted.encoding === options.encoding &&
      items.memory(lifted.memory) === items.memory(options.memory);
    if (!isSame && element !== undefined) throw invalid("its options differ");
    task.requireUnresolved();
    const context = new CallContext(abi());
    const [value] = codec.liftParams(context, new FlatReader(args as CoreValue[]));
    task.return(value);
    context.returnLent();
  };
}

function waitForEvent(
  { name, flag, memory }: BuiltIn,
  { instance, items, scheduler }: BuiltInContext,
): BuiltInFunction {
  return (index, pointer) => {
    const set = instance.handles.entry(toIndex(index), WaitableSet, "waitable set");
    const store = ({ code, index, payload }: WaitableEvent) => {
      storePair(items.memory(memory), toIndex(pointer), [index, payload]);
      return code;
    };
    const thread = scheduler.running;
    if (name === "waitable-set.poll") {
      if (thread.task.takeCancellation(flag)) return store(cancelledEvent);
      return store(set.hasEvent ? set.takeEvent() : noEvent);
    }
    set.waiting++;
    const waited = scheduler.waitUntil(thread, () => set.hasEvent, { isCancellable: flag });
    const take = (isCancelled: boolean) => {
      set.waiting--;
      return store(isCancelled ? cancelledEvent : set.takeEvent());
    };
    return typeof waited === "boolean" ? take(waited) : waited.then(take);
  };
}

/** Waits for the event of a waitable with the running thread. */
function waitFor(waitable: Waitable, { scheduler }: BuiltInContext): void | Promise<void> {
  waitable.hasSyncWaiter = true;
  const waited = scheduler.waitUntil(scheduler.running, () => waitable.hasEvent);
  const end = () => {
    waitable.hasSyncWaiter = false;
  };
  if (waited instanceof Promise) return waited.then(end);
  end();
}

function cancelSubtask(
  index: number,
  isAsync: boolean,
  context: BuiltInContext,
): number | Promise<number> {
  const { instance, scheduler } = context;
  const subtask = instance.handles.entry(index, Subtask, "subtask");
  if (subtask.isDelivered) {
    throw trap("`subtask.cancel` called after terminal status delivered");
  }
  if (subtask.isCancellationRequested) {
    throw trap("`subtask.cancel` called twice for the same subtask");
  }
  if (subtask.isInSet && !isAsync) {
    throw trap("cannot use a synchronous built-in on a waitable in a waitable set");
  }
  const take = () => subtask.takeEvent().payload;
  if (subtask.isResolved) return take();
  subtask.isCancellationRequested = true;
  const thread = scheduler.running;
  const end = (): number | Promise<number> => {
    scheduler.current = thread;
    if (subtask.isResolved) return take();
    if (isAsync) return blocked;
    const waited = waitFor(subtask, context);
    return waited instanceof Promise ? waited.then(take) : take();
  };
  const cancelled = subtask.cancel();
  return cancelled instanceof Promise ? cancelled.then(end) : end();
}

/** Starts a thread, suspended, with a function of a table. */
function newThread(
  { table }: BuiltIn,
  { items, scheduler }: BuiltInContext,
  { func, argument = 0 }: { func: number; argument: number | undefined },
): number {
  if (!table) throw new Error("`thread.new-indirect` has no table");
  const found = tableEntry(items.get(table) as WebAssembly.Table, func);
  scheduler.requirePark();
  const { task } = scheduler.running;
  const thread = new Thread(task, async (thread) => {
    await items.promising(found)(argument);
    task.unregister(thread);
  });
  task.register(thread);
  return thread.index;
}

function tableEntry(table: WebAssembly.Table, index: number): CoreFunction {
  if (index >= table.length) throw trap("undefined element: table index is out of bounds");
  const found: unknown = table.get(index);
  if (typeof found !== "function") throw trap("uninitialized element");
  if (found.length !== 1) throw trap("indirect call type mismatch");
  return found as CoreFunction;
}

/** Returns the end at an index of the kind, the side and the element type of a built-in. */
function copyEnd(
  { name, element }: BuiltIn,
  { instance }: BuiltInContext,
  index: number,
): CopyEnd {
  const [kind = "", operation = ""] = name.split(".");
  const side = /read/.test(operation) ? "readable" : "writable";
  const end = instance.handles.entry(index, CopyEnd, `${kind} end`);
  end.requireType({ kind, side, element }, index);
  return end;
}

/** Reads from or writes to a stream or future. */
function copy(builtIn: BuiltIn, context: BuiltInContext): BuiltInFunction {
  const { name, element, options } = builtIn;
  const { instance } = context;
  const isStream = name.startsWith("stream");
  const reads = name.endsWith("read");
  const code = eventCodes[name.replace(".", " ") as keyof typeof eventCodes];
  const isAsync = options?.isAsync ?? false;
  return (handle, pointer, count) => {
    const index = toIndex(handle);
    const end = copyEnd(builtIn, context, index);
    if (end.state === "done") {
      throw trap(
        isStream
          ? `cannot ${reads ? "read from" : "write to"} stream after being notified that the ` +
            `${reads ? "writable" : "readable"} end dropped`
          : `cannot ${reads ? "read from" : "write to"} future after previous ` +
            `${reads ? "read" : "write"} succeeded`,
      );
    }
    if (end.state !== "idle") {
      throw trap("cannot have concurrent operations active on a future/stream");
    }
    if (end.isInSet && !isAsync) {
      throw trap("cannot use a synchronous built-in on a waitable in a waitable set");
    }
    const length = isStream ? toIndex(count) : 1;
    const buffer = new GuestBuffer(
      element,
      memoryContext(builtIn, context),
      { pointer: toIndex(pointer), length },
    );
    const notify = (result: CopyResult, reclaim: () => void) =>
      end.setEvent(() => {
        reclaim();
        const isDone = result === copyResults.dropped ||
          (!isStream && result === copyResults.completed);
        end.state = isDone ? "done" : "idle";
        return { code, index, payload: isStream ? result | (buffer.progress << 4) : result };
      });
    end.state = "copying";
    end.buffer = buffer;
    end.shared[reads ? "read" : "write"](instance, buffer, {
      onCopy: (reclaim) => notify(copyResults.completed, reclaim),
      onDone: (result) => notify(result, () => {}),
    });
    return takeCopyEvent(end, isAsync, context);
  };
}

/** Returns the payload of the end's event, or `blocked` if the operation continues. */
function takeCopyEvent(
  end: CopyEnd,
  isAsync: boolean,
  context: BuiltInContext,
): number | Promise<number> {
  if (!end.hasEvent) {
    if (isAsync) return blocked;
    const waited = waitFor(end, context);
    if (waited instanceof Promise) return waited.then(() => end.takeEvent().payload);
  }
  return end.takeEvent().payload;
}

/** Cancels the read or write that is in progress. */
function cancelCopy(
  builtIn: BuiltIn,
  context: BuiltInContext,
  index: number,
): number | Promise<number> {
  const end = copyEnd(builtIn, context, index);
  if (end.state !== "copying" || end.hasSyncWaiter) {
    throw trap(`cannot cancel: no ${builtIn.name.replace(/.*cancel-/, "")} is in progress`);
  }
  if (end.isInSet && !builtIn.flag) {
    throw trap("cannot use a synchronous built-in on a waitable in a waitable set");
  }
  end.state = "cancelling";
  // An event of a part that was copied becomes that of the cancellation.
  if (!end.hasEvent || (end.buffer?.remaining ?? 0) > 0) end.shared.cancel(end.buffer);
  return takeCopyEvent(end, builtIn.flag, context);
}
