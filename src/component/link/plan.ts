import type { CoreFuncType } from "../format/syntax.ts";
import type { FuncType, Resource } from "../types/types.ts";
import type { BuiltIn } from "./built_in.ts";
import type { CanonOptions, CoreSource, FuncSource, Item } from "./items.ts";

/** A core module to instantiate, with the source of each of its imports. */
export interface CoreInstantiation {
  /** Index into `modules`. */
  readonly module: number;
  readonly imports: readonly {
    readonly module: string;
    readonly name: string;
    readonly source: CoreSource;
    /** True if it is a memory. */
    readonly isMemory?: boolean;
  }[];
}

/** A function that core code imports and that the canonical ABI makes. */
export type Trampoline =
  | {
    readonly kind: "lower";
    readonly source: FuncSource;
    readonly options: CanonOptions;
    readonly type: FuncType;
    /** The component instance that calls it. */
    readonly instance: number;
  }
  | {
    readonly kind: "resource.new" | "resource.drop" | "resource.rep";
    readonly resource: Resource;
    readonly instance: number;
  }
  | { readonly kind: "built-in"; readonly builtIn: BuiltIn; readonly instance: number }
  | {
    /** A function of preview1, which the host provides in the place of an adapter. */
    readonly kind: "preview1";
    readonly name: string;
    readonly type: CoreFuncType;
    readonly instance: number;
  }
  /** A function that only a replaced adapter would call. */
  | { readonly kind: "unused"; readonly instance: number };

/** A resource type that a component instance defines. */
export interface DefinedResource {
  readonly instance: number;
  /** Called with the representation when an owned handle is dropped. */
  readonly destructor: CoreSource | undefined;
}

/**
 * A component with all nested instantiations inlined: core modules in the order in which they are
 * instantiated, and the functions between them.
 */
export interface Plan {
  readonly modules: readonly Uint8Array<ArrayBuffer>[];
  readonly coreInstances: readonly CoreInstantiation[];
  readonly trampolines: readonly Trampoline[];
  /** The parent of each component instance, the root first. */
  readonly instances: readonly (number | undefined)[];
  readonly resources: ReadonlyMap<Resource, DefinedResource>;
  /** True if it uses the asynchronous ABI. */
  readonly isAsync: boolean;
  readonly imports: ReadonlyMap<string, Item>;
  readonly exports: ReadonlyMap<string, Item>;
  /** The memory and the functions of a replaced adapter. */
  readonly preview1?: {
    readonly memory: CoreSource;
    readonly functions: readonly string[];
  };
}

/** A plan under construction. */
export class PlanBuilder {
  readonly modules: Uint8Array<ArrayBuffer>[] = [];
  readonly coreInstances: CoreInstantiation[] = [];
  readonly trampolines: Trampoline[] = [];
  readonly instances: (number | undefined)[] = [];
  readonly resources = new Map<Resource, DefinedResource>();
  isAsync = false;
  readonly #moduleIndices = new Map<Uint8Array, number>();

  /** Adds a component instance and returns its index. */
  addInstance(parent: number | undefined): number {
    return this.instances.push(parent) - 1;
  }

  /** Adds a core instance and returns its index. */
  addCoreInstance(
    bytes: Uint8Array<ArrayBuffer>,
    imports: CoreInstantiation["imports"],
  ): number {
    let module = this.#moduleIndices.get(bytes);
    if (module === undefined) {
      module = this.modules.push(bytes) - 1;
      this.#moduleIndices.set(bytes, module);
    }
    return this.coreInstances.push({ module, imports }) - 1;
  }

  /** Adds a trampoline and returns it as a source. */
  addTrampoline(trampoline: Trampoline): CoreSource {
    return { kind: "trampoline", trampoline: this.trampolines.push(trampoline) - 1 };
  }
}
