import { COUNTER_EXPORT, PREPARE_MODULE } from "../../prepare/contract.ts";
import type { Guest } from "../../wasm/guest.ts";
import { suspending } from "../../wasm/jspi.ts";
import { type CoreValue, FlatReader, type Value } from "../abi/codec.ts";
import { trap } from "../abi/context.ts";
import { coreFuncType } from "../abi/flatten.ts";
import { AsyncCalls } from "../async/async_calls.ts";
import { Scheduler } from "../async/scheduler.ts";
import type { FuncSource, Item } from "../link/items.ts";
import type { Plan, Trampoline } from "../link/plan.ts";
import type { Resource } from "../types/types.ts";
import { CallCodec } from "./calls.ts";
import { CallContext, ComponentInstance } from "./component_instance.ts";
import { CoreItems } from "./core_items.ts";
import type { Host } from "./host.ts";
import { type CoreFunction, waitingImport } from "./waiting_import.ts";

/** An exported function of a component. */
export interface ComponentFunction {
  /**
   * Calls it synchronously. It throws if the guest has to wait.
   *
   * @param onReturn called with the result, which an asynchronous function may return before its
   * call ends.
   */
  call(args: readonly Value[], onReturn?: (result: Value) => void): Value;
  /** Calls it so that the guest may wait. */
  callAwaitable(args: readonly Value[], onReturn?: (result: Value) => void): Promise<Value>;
}

/** A component with all of its core instances. */
export class LiveComponent {
  readonly guest: Guest;
  /** The pages of the shared memory that core instances see; the memory may have more. */
  visiblePages: number;
  readonly #plan: Plan;
  readonly #host: Host;
  readonly #instances: ComponentInstance[] = [];
  readonly #items: CoreItems;
  /** Set if the component uses the asynchronous ABI. */
  readonly #async: AsyncCalls | undefined;
  readonly #counters: WebAssembly.Global[] = [];

  /**
   * Instantiates the core modules in order.
   *
   * @param modules the compiled modules of the plan, prepared or not.
   * @param sharedPages the initial pages of the memory that the modules share, if they share one.
   */
  constructor(
    plan: Plan,
    { modules, host, guest, sharedPages = 0 }: {
      modules: readonly WebAssembly.Module[];
      host: Host;
      guest: Guest;
      sharedPages?: number;
    },
  ) {
    this.visiblePages = sharedPages;
    this.#plan = plan;
    this.#host = host;
    this.guest = guest;
    for (const parent of plan.instances) {
      const above = parent === undefined ? undefined : this.#instances[parent];
      this.#instances.push(new ComponentInstance(above));
    }
    const scheduler = plan.isAsync ? new Scheduler(guest) : undefined;
    this.#items = new CoreItems(plan, {
      instances: this.#instances,
      guest,
      inside: scheduler ? (call) => scheduler.runInside(call) : (call) => guest.inside(call),
      makeTrampoline: (index) => this.#makeTrampoline(plan.trampolines[index] as Trampoline),
    });
    if (scheduler) host.attach?.(scheduler);
    this.#async = scheduler && new AsyncCalls(this.#items, { scheduler, guest, host });
    const metering = {
      ...{ step: guest.step, pause: suspending(guest.pause) },
      ...{ grow: guest.grow, exit: guest.exit, pages: this.#addPages },
    };
    guest.exhaustSteps = () => this.#setSteps(0);
    for (const [index, { module, imports }] of plan.coreInstances.entries()) {
      const object: Record<string, Record<string, WebAssembly.ImportValue>> = {
        [PREPARE_MODULE]: metering,
      };
      for (const { module, name, source } of imports) {
        (object[module] ??= {})[name] = this.#items.get(source) as WebAssembly.ImportValue;
      }
      const compiled = modules[module];
      if (!compiled) throw new Error(`module ${module} of the plan is not compiled`);
      const { exports } = new WebAssembly.Instance(compiled, object);
      this.#items.exports.push(exports);
      if (plan.preview1?.memory.kind === "export" && index === plan.preview1.memory.instance) {
        host.preview1?.bind(this.#items.get(plan.preview1.memory) as WebAssembly.Memory);
      }
      const counter = exports[COUNTER_EXPORT];
      if (counter instanceof WebAssembly.Global) this.#counters.push(counter);
    }
  }

  /** Adds to the pages that the core instances see of their memory. Returns the number before. */
  readonly #addPages = (more: number): number => {
    const before = this.visiblePages;
    this.visiblePages += more;
    return before;
  };

  /** The exports of the core instances, in the order of the plan. */
  get coreExports(): readonly WebAssembly.Exports[] {
    return this.#items.exports;
  }

  /** Begins a call, as `Guest.begin`, and sets the step counters. */
  begin(mayWait: boolean, cameMs?: number): void {
    this.#setSteps(this.guest.begin(mayWait, cameMs));
  }

  /**
   * Returns an exported function by its path.
   *
   * @returns undefined if the component exports none at that path.
   */
  func(...path: string[]): ComponentFunction | undefined {
    let exports: ReadonlyMap<string, Item> = this.#plan.exports;
    for (const [at, name] of path.entries()) {
      const item = exports.get(name);
      if (item?.sort === "func" && at === path.length - 1 && item.source) {
        return this.#async?.exported(item.source) ?? this.#callable(item.source, undefined);
      }
      if (item?.sort !== "instance") return undefined;
      exports = item.exports;
    }
  }

  /** True if threads of the component are parked, so that it cannot be reset. */
  get hasParkedThreads(): boolean {
    return this.#async?.hasParkedThreads ?? false;
  }

  /** Resets all component instances and drops the host resources that they own. */
  resetHandles(): void {
    for (const instance of this.#instances) {
      for (const { resource, rep } of instance.reset()) {
        if (!this.#plan.resources.has(resource)) this.#host.drop(resource, rep, true);
      }
    }
    // Last: a stream that is dropped may have added host work.
    this.#async?.reset();
  }

  #setSteps(count: number): void {
    for (const counter of this.#counters) counter.value = count;
  }

  #makeTrampoline(trampoline: Trampoline): CoreFunction {
    const instance = this.#instances[trampoline.instance] as ComponentInstance;
    switch (trampoline.kind) {
      case "lower":
        return this.#async?.lower(trampoline, instance) ?? this.#lower(trampoline, instance);
      case "built-in":
        if (!this.#async) throw new Error("a plan with a built-in is not asynchronous");
        return this.#async.builtIn(trampoline.builtIn, instance);
      case "preview1":
        return this.#preview1(trampoline, instance);
      case "unused":
        return () => {
          throw trap("a function of a replaced adapter was called");
        };
      case "resource.new": {
        const { resource } = trampoline;
        return (rep) => {
          requireMayLeave(instance);
          return instance.handles.add({ resource, rep, borrowedBy: undefined, lends: 0 });
        };
      }
      case "resource.rep": {
        const { resource } = trampoline;
        return (index) => instance.handles.get(Number(index) >>> 0, resource).rep as number;
      }
      case "resource.drop": {
        const { resource } = trampoline;
        return (index) => {
          this.guest.noteHostCall();
          requireMayLeave(instance);
          const { rep, borrowedBy } = instance.handles.remove(Number(index) >>> 0, resource);
          if (borrowedBy) borrowedBy.borrows--;
          else this.#destroy(resource, rep, instance);
          return undefined;
        };
      }
    }
  }

  /** Calls the destructor of a resource whose owned handle was dropped. */
  #destroy(resource: Resource, rep: unknown, caller: ComponentInstance): void {
    const defined = this.#plan.resources.get(resource);
    if (!defined) return this.#host.drop(resource, rep, false);
    const owner = this.#instances[defined.instance] as ComponentInstance;
    const destructor = defined.destructor && this.#items.func(defined.destructor);
    const leave = owner === caller ? undefined : owner.enter(caller);
    if (destructor) this.#items.inside(() => destructor(rep as number));
    leave?.();
  }

  /** Makes the import through which a component calls another one or the host. */
  #lower(
    { source, options, type }: Trampoline & { kind: "lower" },
    instance: ComponentInstance,
  ): CoreFunction {
    const { guest } = this;
    const codec = new CallCodec(type, "lower");
    const abi = this.#items.abiOptions(options, instance);
    const { call, mayWait, isHost, borrowsBytes } = this.#target(source, instance);
    const enter = (flat: readonly CoreValue[]) => {
      guest.noteHostCall();
      requireMayLeave(instance);
      const cx = new CallContext(abi(), borrowsBytes);
      const reader = new FlatReader(flat);
      return { cx, reader, args: codec.liftParams(cx, reader) };
    };
    type Entered = ReturnType<typeof enter>;
    const leave = ({ cx, reader }: Entered, result: Value) => {
      cx.returnLent();
      return codec.lowerResult(cx, result, reader);
    };
    if (!mayWait) {
      return (...flat) => {
        const entered = enter(flat);
        return leave(entered, call(...entered.args) as Value);
      };
    }
    let result: CoreValue | undefined;
    let waiting: { readonly entered: Entered; readonly promise: Promise<Value> } | undefined;
    return waitingImport(coreFuncType(type, "lower"), {
      begin: (...flat) => {
        const entered = enter(flat);
        const returned = call(...entered.args);
        if (!(returned instanceof Promise)) {
          result = leave(entered, returned);
          return 0;
        }
        // A call that is discarded because it cannot wait leaves its promise behind.
        returned.catch(() => {});
        waiting = { entered, promise: returned };
        return 1;
      },
      wait: async () => {
        if (!waiting) throw new Error("an import waits that has not begun");
        const { entered, promise } = waiting;
        waiting = undefined;
        // A call into another component suspends where that component waits.
        const value = isHost ? await guest.waitFor(promise, identity, rethrow) : await promise;
        result = leave(entered, value);
      },
      take: () => result,
    });
  }

  /** Makes a function of preview1. */
  #preview1(
    { name, type }: Trampoline & { kind: "preview1" },
    instance: ComponentInstance,
  ): CoreFunction {
    const { guest } = this;
    const found = this.#host.preview1?.function(name);
    if (!found) throw new Error(`the host provides no ${name} of preview1`);
    const { call, mayWait } = found;
    const enter = () => {
      guest.noteHostCall();
      requireMayLeave(instance);
    };
    if (!mayWait) {
      return (...flat) => {
        enter();
        return call(...flat) as number;
      };
    }
    let result: number | undefined;
    let waiting: Promise<number> | undefined;
    return waitingImport(type, {
      begin: (...flat) => {
        enter();
        const returned = call(...flat);
        if (!(returned instanceof Promise)) {
          result = returned;
          return 0;
        }
        // A call that is discarded because it cannot wait leaves its promise behind.
        returned.catch(() => {});
        waiting = returned;
        return 1;
      },
      wait: async () => {
        if (!waiting) throw new Error("an import waits that has not begun");
        guest.output.settle();
        result = await guest.waitFor(waiting, identity<number>, rethrow);
      },
      take: () => result,
    });
  }

  /** Returns the function that a lowered function calls, and whether it may wait. */
  #target(source: FuncSource, caller: ComponentInstance): {
    readonly call: (...args: Value[]) => Value | Promise<Value>;
    readonly mayWait: boolean;
    readonly isHost: boolean;
    readonly borrowsBytes: boolean;
  } {
    if (source.kind === "host") {
      const found = this.#host.function(source.path, source.type);
      if (!found) throw new Error(`the host provides no ${source.path.join(" ")}`);
      const { mayWait = false, borrowsBytes = false } = found;
      return { call: found.call, mayWait, isHost: true, borrowsBytes };
    }
    const callee = this.#callable(source, caller);
    const call = (...args: Value[]) =>
      this.guest.mayWait ? callee.callAwaitable(args) : callee.call(args);
    return { call, mayWait: true, isHost: false, borrowsBytes: false };
  }

  /** Returns a component function as a function of lifted values. */
  #callable(source: FuncSource, caller: ComponentInstance | undefined): ComponentFunction {
    if (source.kind === "host") {
      const { call } = this.#host.function(source.path, source.type) ?? {};
      if (!call) throw new Error(`the host provides no ${source.path.join(" ")}`);
      return {
        call: (args) => call(...args) as Value,
        callAwaitable: async (args) => await call(...args),
      };
    }
    const { type, options } = source;
    const codec = new CallCodec(type, "lift");
    const instance = this.#instances[source.instance] as ComponentInstance;
    const abi = this.#items.abiOptions(options, instance);
    const enter = (args: readonly Value[]) => {
      const func = this.#items.func(source.func);
      const leave = instance.enter(caller);
      const cx = new CallContext(abi());
      return { func, leave, cx, flat: codec.lowerParams(cx, args) };
    };
    const end = (
      { leave, cx }: ReturnType<typeof enter>,
      returned: CoreValue | undefined,
    ) => {
      const result = codec.liftResult(cx, returned);
      cx.checkBorrowsReturned();
      if (options.postReturn) {
        const postReturn = this.#items.func(options.postReturn);
        instance.mayLeave = false;
        this.guest.inside(() => returned === undefined ? postReturn() : postReturn(returned));
        instance.mayLeave = true;
      }
      leave();
      return result;
    };
    return {
      call: (args, onReturn) => {
        const entered = enter(args);
        const result = end(entered, entered.func(...entered.flat));
        onReturn?.(result);
        return result;
      },
      callAwaitable: async (args, onReturn) => {
        const entered = enter(args);
        const returned = await this.#items.promising(entered.func)(...entered.flat);
        const result = end(entered, returned as CoreValue | undefined);
        onReturn?.(result);
        return result;
      },
    };
  }
}

const identity = <T>(value: T) => value;
const rethrow = (error: unknown): never => {
  throw error;
};

function requireMayLeave({ mayLeave }: ComponentInstance): void {
  if (!mayLeave) throw trap("cannot leave component instance");
}
