import type { Guest } from "../../wasm/guest.ts";
import { promising } from "../../wasm/jspi.ts";
import { GuestMemory } from "../../wasm/memory.ts";
import type { CoreValue } from "../abi/codec.ts";
import type { Memory } from "../abi/context.ts";
import type { CanonOptions, CoreSource } from "../link/items.ts";
import type { Plan } from "../link/plan.ts";
import type { AbiOptions, ComponentInstance } from "./component_instance.ts";
import type { CoreFunction } from "./waiting_import.ts";

/**
 * The core items of a live component: what its core instances export, and the functions that the
 * canonical ABI makes for them.
 */
export class CoreItems {
  readonly instances: readonly ComponentInstance[];
  /** The exports of the core instances, in the order of the plan. */
  readonly exports: WebAssembly.Exports[] = [];
  readonly #plan: Plan;
  readonly #guest: Guest;
  readonly inside: <T>(call: () => T) => T;
  readonly #makeTrampoline: (trampoline: number) => CoreFunction;
  readonly #trampolines: (CoreFunction | undefined)[];
  readonly #memories = new Map<WebAssembly.Memory, GuestMemory>();
  readonly #awaitable = new Map<CoreFunction, (...args: CoreValue[]) => Promise<unknown>>();

  /**
   * @param inside calls a function of the guest from inside one of its imports.
   * @param makeTrampoline makes the trampoline with an index.
   */
  constructor(
    plan: Plan,
    { instances, guest, inside, makeTrampoline }: {
      instances: readonly ComponentInstance[];
      guest: Guest;
      inside: <T>(call: () => T) => T;
      makeTrampoline: (trampoline: number) => CoreFunction;
    },
  ) {
    this.#plan = plan;
    this.instances = instances;
    this.#guest = guest;
    this.inside = inside;
    this.#makeTrampoline = makeTrampoline;
    this.#trampolines = plan.trampolines.map(() => undefined);
  }

  /** Returns a core function, memory, table, global or tag. */
  get(source: CoreSource): unknown {
    if (source.kind === "export") return this.exports[source.instance]?.[source.name];
    const { trampoline } = source;
    return this.#trampolines[trampoline] ??= this.#makeTrampoline(trampoline);
  }

  func(source: CoreSource): CoreFunction {
    return this.get(source) as CoreFunction;
  }

  /** Returns a function that calls a core function so that it may wait. */
  promising(func: CoreFunction): (...args: CoreValue[]) => Promise<unknown> {
    let made = this.#awaitable.get(func);
    if (!made) this.#awaitable.set(func, made = makePromising(func));
    return made;
  }

  /** Returns the options of a call; their sources exist once their modules are instantiated. */
  abiOptions(options: CanonOptions, instance: ComponentInstance): () => AbiOptions {
    let made: AbiOptions | undefined;
    return () =>
      made ??= {
        instance,
        guest: this.#guest,
        inside: this.inside,
        memory: this.memory(options.memory),
        encoding: options.encoding,
        realloc: options.realloc && this.get(options.realloc) as (...args: number[]) => number,
        implementsResource: (resource) => {
          const defined = this.#plan.resources.get(resource);
          return defined !== undefined && this.instances[defined.instance] === instance;
        },
      };
  }

  memory(source: CoreSource | undefined): Memory {
    if (source === undefined) return noMemory;
    const memory = this.get(source) as WebAssembly.Memory;
    let linked = this.#memories.get(memory);
    if (!linked) {
      linked = new GuestMemory();
      linked.bind(memory);
      this.#memories.set(memory, linked);
    }
    return linked;
  }
}

/** A function of the canonical ABI that cannot wait is not one of WebAssembly. */
function makePromising(func: CoreFunction): (...args: CoreValue[]) => Promise<unknown> {
  try {
    return promising(func as WebAssembly.ExportValue) as (...args: CoreValue[]) => Promise<unknown>;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return (...args) => Promise.resolve(func(...args));
  }
}

const noMemory: Memory = { bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)) };
