import { codecOf, type CoreValue, FlatReader, type Value } from "../abi/codec.ts";
import { allocate, checkRange, type Memory, trap } from "../abi/context.ts";
import { type FlatSignature, flatSignature } from "../abi/flatten.ts";
import type { CanonOptions, CoreSource, FuncSource, Item } from "../link/items.ts";
import type { Plan, Trampoline } from "../link/plan.ts";
import type { FuncType, Resource } from "../types/types.ts";
import { type AbiOptions, CallContext, ComponentInstance } from "./component_instance.ts";

/** A function of the host, called with lifted arguments. */
export type HostFunction = (...args: Value[]) => Value;

/** What the host provides to a component. */
export interface Host {
  /** Returns the function for an import, or undefined if there is none. */
  function(path: readonly string[], type: FuncType): HostFunction | undefined;
  /** Called with the representation of a host resource whose owned handle is dropped. */
  drop(resource: Resource, rep: unknown): void;
}

type CoreFunction = (...args: CoreValue[]) => CoreValue | undefined;

/** A component with all of its core instances. */
export class LiveComponent {
  readonly #plan: Plan;
  readonly #host: Host;
  readonly #instances: ComponentInstance[] = [];
  readonly #exports: WebAssembly.Exports[] = [];
  readonly #trampolines: (CoreFunction | undefined)[];
  readonly #memories = new Map<WebAssembly.Memory, LinkedMemory>();

  /**
   * Instantiates the core modules in order.
   *
   * @param modules the compiled modules of the plan.
   */
  constructor(plan: Plan, modules: readonly WebAssembly.Module[], host: Host) {
    this.#plan = plan;
    this.#host = host;
    this.#trampolines = plan.trampolines.map(() => undefined);
    for (const parent of plan.instances) {
      this.#instances.push(
        new ComponentInstance(parent === undefined ? undefined : this.#instances[parent]),
      );
    }
    for (const { module, imports } of plan.coreInstances) {
      const object: Record<string, Record<string, WebAssembly.ImportValue>> = {};
      for (const { module, name, source } of imports) {
        (object[module] ??= {})[name] = this.#item(source) as WebAssembly.ImportValue;
      }
      const compiled = modules[module];
      if (!compiled) throw new Error(`module ${module} of the plan is not compiled`);
      this.#exports.push(new WebAssembly.Instance(compiled, object).exports);
    }
  }

  /**
   * Returns an exported function by its path.
   *
   * @returns undefined if the component exports none at that path.
   */
  func(...path: string[]): HostFunction | undefined {
    let exports: ReadonlyMap<string, Item> = this.#plan.exports;
    for (const [at, name] of path.entries()) {
      const item = exports.get(name);
      if (item?.sort === "func" && at === path.length - 1 && item.source) {
        return this.#callable(item.source, undefined);
      }
      if (item?.sort !== "instance") return undefined;
      exports = item.exports;
    }
  }

  /** Returns a core function, memory, table, global or tag. */
  #item(source: CoreSource): unknown {
    if (source.kind === "export") return this.#exports[source.instance]?.[source.name];
    const { trampoline } = source;
    return this.#trampolines[trampoline] ??= this.#makeTrampoline(
      this.#plan.trampolines[trampoline] as Trampoline,
    );
  }

  #makeTrampoline(trampoline: Trampoline): CoreFunction {
    const instance = this.#instances[trampoline.instance] as ComponentInstance;
    switch (trampoline.kind) {
      case "lower":
        return this.#lower(trampoline, instance);
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
    if (!defined) return this.#host.drop(resource, rep);
    const owner = this.#instances[defined.instance] as ComponentInstance;
    const destructor = defined.destructor && this.#item(defined.destructor) as CoreFunction;
    if (owner === caller) return void destructor?.(rep as number);
    const leave = owner.enter(caller);
    destructor?.(rep as number);
    leave();
  }

  #lower(
    { source, options, type }: Trampoline & { kind: "lower" },
    instance: ComponentInstance,
  ): CoreFunction {
    const signature = flatSignature(type);
    const call = this.#callable(source, instance);
    const abi = this.#abiOptions(options, instance);
    return (...flat) => {
      requireMayLeave(instance);
      const cx = new CallContext(abi());
      const reader = new FlatReader(flat);
      const args = liftParams(cx, reader, { type, signature });
      const result = call(...args);
      cx.returnLent();
      if (!type.result) return undefined;
      const codec = codecOf(type.result);
      if (signature.resultInMemory && signature.result) {
        const pointer = reader.u32();
        checkRange(cx, pointer, signature.result);
        codec.store(cx, result, pointer);
        return undefined;
      }
      const lowered: CoreValue[] = [];
      codec.lower(cx, result, lowered);
      return lowered[0];
    };
  }

  /** Returns a component function as a function of lifted values. */
  #callable(source: FuncSource, caller: ComponentInstance | undefined): HostFunction {
    if (source.kind === "host") {
      const found = this.#host.function(source.path, source.type);
      if (!found) throw new Error(`the host provides no ${source.path.join(" ")}`);
      return found;
    }
    const { type, options } = source;
    const signature = flatSignature(type);
    const instance = this.#instances[source.instance] as ComponentInstance;
    const abi = this.#abiOptions(options, instance);
    return (...args) => {
      const func = this.#item(source.func) as CoreFunction;
      const leave = instance.enter(caller);
      const cx = new CallContext(abi());
      const flat = lowerParams(cx, args, { type, signature });
      const returned = func(...flat);
      const result = liftResult(cx, returned, { type, signature });
      cx.checkBorrowsReturned();
      if (options.postReturn) {
        instance.mayLeave = false;
        const postReturn = this.#item(options.postReturn) as CoreFunction;
        if (returned === undefined) postReturn();
        else postReturn(returned);
        instance.mayLeave = true;
      }
      leave();
      return result;
    };
  }

  /** Returns the options of a call; their sources exist only once their modules are instantiated. */
  #abiOptions(options: CanonOptions, instance: ComponentInstance): () => AbiOptions {
    let made: AbiOptions | undefined;
    return () =>
      made ??= {
        instance,
        memory: this.#memory(options.memory),
        encoding: options.encoding,
        realloc: options.realloc && this.#item(options.realloc) as (...args: number[]) => number,
        implementsResource: (resource) => {
          const defined = this.#plan.resources.get(resource);
          return defined !== undefined && this.#instances[defined.instance] === instance;
        },
      };
  }

  #memory(source: CoreSource | undefined): Memory {
    if (source === undefined) return noMemory;
    const memory = this.#item(source) as WebAssembly.Memory;
    let linked = this.#memories.get(memory);
    if (!linked) this.#memories.set(memory, linked = new LinkedMemory(memory));
    return linked;
  }
}

function requireMayLeave({ mayLeave }: ComponentInstance): void {
  if (!mayLeave) throw trap("cannot leave component instance");
}

interface Signature {
  readonly type: FuncType;
  readonly signature: FlatSignature;
}

function liftParams(
  cx: CallContext,
  flat: FlatReader,
  { type, signature }: Signature,
): Value[] {
  if (!signature.paramsInMemory) {
    return type.params.map(({ type }) => codecOf(type).lift(cx, flat));
  }
  const pointer = flat.u32();
  checkRange(cx, pointer, signature.params);
  return type.params.map(({ type }, index) =>
    codecOf(type).load(cx, pointer + (signature.params.offsets[index] ?? 0))
  );
}

function lowerParams(
  cx: CallContext,
  args: readonly Value[],
  { type, signature }: Signature,
): CoreValue[] {
  const flat: CoreValue[] = [];
  if (!signature.paramsInMemory) {
    for (const [index, param] of type.params.entries()) {
      codecOf(param.type).lower(cx, args[index], flat);
    }
    return flat;
  }
  const { size, alignment, offsets } = signature.params;
  const pointer = allocate(cx, size, alignment);
  for (const [index, param] of type.params.entries()) {
    codecOf(param.type).store(cx, args[index], pointer + (offsets[index] ?? 0));
  }
  return [pointer];
}

function liftResult(
  cx: CallContext,
  returned: CoreValue | undefined,
  { type, signature }: Signature,
): Value {
  if (!type.result || !signature.result) return undefined;
  const codec = codecOf(type.result);
  if (!signature.resultInMemory) {
    return codec.lift(cx, new FlatReader(returned === undefined ? [] : [returned]));
  }
  const pointer = Number(returned) >>> 0;
  checkRange(cx, pointer, signature.result);
  return codec.load(cx, pointer);
}

/** A memory whose views are renewed when the guest has grown it. */
class LinkedMemory implements Memory {
  readonly #memory: WebAssembly.Memory;
  #bytes = new Uint8Array(0);
  #view = new DataView(new ArrayBuffer(0));

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#bytes.length === 0) this.#renew();
    return this.#bytes;
  }

  get view(): DataView<ArrayBuffer> {
    if (this.#bytes.length === 0) this.#renew();
    return this.#view;
  }

  #renew(): void {
    const buffer = this.#memory.buffer as ArrayBuffer;
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }
}

const noMemory: Memory = {
  bytes: new Uint8Array(0),
  view: new DataView(new ArrayBuffer(0)),
};
