import type { Guest } from "../../wasm/guest.ts";
import { type CoreValue, FlatReader, type Value } from "../abi/codec.ts";
import { trap } from "../abi/context.ts";
import { coreFuncType } from "../abi/flatten.ts";
import { CallCodec } from "../instance/calls.ts";
import { CallContext, type ComponentInstance } from "../instance/component_instance.ts";
import type { CoreItems } from "../instance/core_items.ts";
import type { Host, HostPromise } from "../instance/host.ts";
import { type CoreFunction, waitingImport } from "../instance/waiting_import.ts";
import type { BuiltIn } from "../link/built_in.ts";
import { conventionOf } from "../link/canon_options.ts";
import type { FuncSource } from "../link/items.ts";
import type { Trampoline } from "../link/plan.ts";
import { makeBuiltIn, mayWait } from "./built_ins.ts";
import { LiftedCalls, type StartCall } from "./lifted_calls.ts";
import type { Scheduler } from "./scheduler.ts";
import { Subtask, subtaskStates } from "./subtask.ts";
import type { Outcome } from "./task.ts";

type MaybePromise<T> = T | Promise<T>;

/** The calls of a component that uses the asynchronous ABI, in and out of its instances. */
export class AsyncCalls {
  readonly #items: CoreItems;
  readonly #scheduler: Scheduler;
  readonly #guest: Guest;
  readonly #host: Host;
  readonly #lifted: LiftedCalls;

  constructor(
    items: CoreItems,
    { scheduler, guest, host }: { scheduler: Scheduler; guest: Guest; host: Host },
  ) {
    this.#items = items;
    this.#scheduler = scheduler;
    this.#guest = guest;
    this.#host = host;
    this.#lifted = new LiftedCalls(items, scheduler);
  }

  get hasParkedThreads(): boolean {
    return this.#scheduler.parked > 0;
  }

  /** Forgets all threads. */
  reset(): void {
    this.#scheduler.reset();
  }

  /** Returns an exported function of the component, as `LiveComponent.func`. */
  exported(source: FuncSource) {
    const start = this.#target(source);
    const begin = (args: readonly Value[], onReturn?: (value: Value) => void) => {
      const call: { outcome?: Outcome } = {};
      const { parked } = start({
        onStart: () => args,
        onResolve: (outcome) => {
          call.outcome = outcome;
          if (outcome !== "cancelled") onReturn?.(outcome.value);
        },
        instance: undefined,
      });
      return { call, parked };
    };
    const resultOf = ({ outcome }: { outcome?: Outcome }) => {
      if (outcome === undefined || outcome === "cancelled") throw new Error("a call has no result");
      return outcome.value;
    };
    return {
      call: (args: readonly Value[], onReturn?: (value: Value) => void): Value => {
        const { call } = begin(args, onReturn);
        // Work of the host, such as reading what the guest wrote, may not have ended.
        if (call.outcome === undefined || !this.#scheduler.isIdle) this.#guest.beforeWait();
        return resultOf(call);
      },
      callAwaitable: async (args: readonly Value[], onReturn?: (value: Value) => void) => {
        const { call, parked } = begin(args, onReturn);
        await parked;
        await this.#scheduler.run(() => call.outcome !== undefined);
        return resultOf(call);
      },
    };
  }

  /** Makes a built-in for an instance. */
  builtIn(builtIn: BuiltIn, instance: ComponentInstance): CoreFunction {
    const call = makeBuiltIn(builtIn, {
      instance,
      items: this.#items,
      scheduler: this.#scheduler,
    });
    const run = (...args: CoreValue[]) => {
      this.#guest.noteHostCall();
      return call(...args as number[]) as MaybePromise<CoreValue | undefined>;
    };
    return mayWait(builtIn) ? this.#waiting(builtIn.type, run) : run as CoreFunction;
  }

  /** Makes the import through which a component calls another one or the host. */
  lower(
    { source, options, type }: Trampoline & { kind: "lower" },
    instance: ComponentInstance,
  ): CoreFunction {
    const convention = conventionOf(options, "lower");
    const codec = new CallCodec(type, convention);
    const abi = this.#items.abiOptions(options, instance);
    const start = this.#target(source);
    const begin = (flat: readonly CoreValue[]) => {
      this.#guest.noteHostCall();
      if (!instance.mayLeave) throw trap("cannot leave component instance");
      const context = new CallContext(abi());
      const subtask = new Subtask(context);
      const reader = new FlatReader(flat);
      let result: CoreValue | undefined;
      const { parked, cancel } = start({
        instance,
        onStart: () => {
          subtask.start();
          return codec.liftParams(context, reader);
        },
        onResolve: (outcome) => {
          if (outcome !== "cancelled") result = codec.lowerResult(context, outcome.value, reader);
          subtask.resolve(outcome);
        },
      });
      subtask.cancel = cancel;
      return { subtask, parked, result: () => result };
    };
    const isAsync = convention === "async lower";
    const run = (...flat: CoreValue[]): MaybePromise<CoreValue | undefined> => {
      const thread = this.#scheduler.current;
      const { subtask, parked, result } = begin(flat);
      const deliver = () => {
        subtask.deliver();
        return isAsync ? subtaskStates.returned : result();
      };
      const end = () => {
        const scheduler = this.#scheduler;
        scheduler.current = thread;
        if (subtask.isResolved) return deliver();
        if (!isAsync) {
          const waited = scheduler.waitUntil(scheduler.running, () => subtask.isResolved);
          return waited instanceof Promise ? waited.then(deliver) : deliver();
        }
        const index = instance.handles.add(subtask);
        subtask.watch(index);
        return subtask.state | (index << 4);
      };
      return parked ? parked.then(end) : end();
    };
    return this.#waiting(coreFuncType(type, convention), run);
  }

  /** Returns a function of a component or of the host as one that can be started. */
  #target(source: FuncSource): StartCall {
    if (source.kind === "lifted") return this.#lifted.of(source);
    const found = this.#host.function(source.path, source.type);
    if (!found) throw new Error(`the host provides no ${source.path.join(" ")}`);
    const { isAsync } = source.type;
    return ({ onStart, onResolve }) => {
      const returned = found.call(...onStart());
      if (!(returned instanceof Promise)) {
        onResolve({ value: returned });
        return { parked: undefined, cancel: () => {} };
      }
      // A call that is discarded because it cannot wait leaves its promise behind.
      returned.catch(() => {});
      if (!isAsync) {
        // A synchronous function of the host lets no other thread of the component run.
        this.#guest.beforeWait();
        const resolve = (value: Value) => onResolve({ value });
        const parked = this.#guest.waitFor(returned, resolve, (error) => {
          throw error;
        });
        return { parked, cancel: () => {} };
      }
      const work = this.#scheduler.add(returned, (value) => onResolve({ value }));
      const cancel = () => {
        work.cancel();
        (returned as HostPromise).cancel?.();
        onResolve("cancelled");
      };
      return { parked: undefined, cancel };
    };
  }

  /** Returns an import that suspends the guest's stack only if `call` returns a promise. */
  #waiting(
    type: Parameters<typeof waitingImport>[0],
    call: (...args: CoreValue[]) => MaybePromise<CoreValue | undefined>,
  ): CoreFunction {
    let result: CoreValue | undefined;
    let waiting: Promise<void> | undefined;
    return waitingImport(type, {
      begin: (...args) => {
        const returned = call(...args);
        if (!(returned instanceof Promise)) {
          result = returned;
          return 0;
        }
        waiting = returned.then((value) => void (result = value));
        return 1;
      },
      wait: () => {
        if (!waiting) throw new Error("an import waits that has not begun");
        return waiting;
      },
      take: () => result,
    });
  }
}
