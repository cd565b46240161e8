import { type ComponentFunction, LiveComponent } from "../../component/instance/live_component.ts";
import { PAGES_EXPORT } from "../../prepare/contract.ts";
import { P2Host, type P2Options } from "../../wasi/p2/host.ts";
import type { Guest } from "../../wasm/guest.ts";
import type { MemoryAccount } from "../../wasm/memory_budget.ts";
import { MemoryReset } from "../../wasm/memory_reset.ts";
import type { MemorySnapshot } from "../../wasm/memory_snapshot.ts";
import type { CalledHandler } from "./exchange.ts";
import type { ComponentBlueprint } from "./load_component.ts";

const pageBytes = 65_536;

/** The state of all core instances right after they were instantiated. */
export interface ComponentSnapshot {
  readonly memories: readonly (MemorySnapshot | undefined)[];
  readonly globals: readonly (readonly unknown[])[];
  /** The pages that core instances see of the memory that they share. */
  readonly visiblePages: number;
}

/** An instance of a component with its WASI, which can be reset between calls. */
export class PooledComponent {
  readonly guest: Guest;
  readonly live: LiveComponent;
  readonly entry: ComponentFunction;
  /** The version of WASI of the entry, and the host work of the instance. */
  readonly handler: CalledHandler;
  readonly #host: P2Host;
  readonly #account: MemoryAccount | undefined;
  readonly #cores: readonly CoreState[];
  readonly #sharesMemory: boolean;

  /**
   * Instantiates the component.
   *
   * @throws WebAssembly.RuntimeError if a start function of a core module traps.
   */
  constructor(
    blueprint: ComponentBlueprint,
    { guest, wasi, account }: {
      guest: Guest;
      wasi: P2Options;
      account: MemoryAccount | undefined;
    },
  ) {
    this.#account = account;
    const { plan, modules, entry, memory, sharedPages } = blueprint;
    this.#sharesMemory = sharedPages !== undefined;
    this.guest = guest;
    // Until the memories exist, those that a start function grows count from their initial size.
    guest.countedBytes = () => memory.initialBytes - memory.fixedBytes;
    this.#host = new P2Host(wasi);
    this.live = new LiveComponent(plan, {
      modules: modules.map(({ module }) => module),
      host: this.#host,
      guest,
      sharedPages,
    });
    const func = this.live.func(...entry.path);
    if (!func) throw new Error(`the component has no function ${entry.path.join(" ")}`);
    this.entry = func;
    this.handler = { wasi: entry.wasi, tasks: this.#host.tasks };
    this.#cores = plan.coreInstances.map(({ module }, index) => {
      const exports = this.live.coreExports[index] ?? {};
      const { globalExports, memoryExport } = modules[module] ?? { globalExports: [] };
      return new CoreState(exports, { globalExports, memoryExport });
    });
    guest.countedBytes = () => this.#cores.reduce((total, { bytes }) => total + bytes, 0);
  }

  /** Returns a snapshot of the present state. */
  takeSnapshot(): ComponentSnapshot {
    return {
      memories: this.#cores.map((core) => core.takeMemory()),
      globals: this.#cores.map((core) => core.takeGlobals()),
      visiblePages: this.live.visiblePages,
    };
  }

  /**
   * Restores the snapshot of an instance of the same component, and drops all handles.
   *
   * @returns false if that is not worth it: close the instance.
   */
  reset({ memories, globals, visiblePages }: ComponentSnapshot): boolean {
    if (this.live.hasParkedThreads) return false;
    this.live.resetHandles();
    this.#host.reset();
    const sharedPages = this.#sharesMemory ? this.live.visiblePages : undefined;
    for (const [index, core] of this.#cores.entries()) {
      if (!core.restore(memories[index], globals[index] ?? [], sharedPages)) return false;
    }
    this.live.visiblePages = visiblePages;
    return true;
  }

  /** Drops the handles, and frees the operating system's resources behind them. */
  close(): void {
    this.live.resetHandles();
    this.#host.reset();
    this.#account?.close();
  }
}

/** The memory and the globals of one core instance. */
class CoreState {
  readonly #memory: WebAssembly.Memory | undefined;
  readonly #memoryReset = new MemoryReset();
  readonly #globals: readonly WebAssembly.Global[];
  readonly #pages: WebAssembly.Global | undefined;
  #bytes = new Uint8Array(0);

  constructor(
    exports: WebAssembly.Exports,
    { globalExports, memoryExport }: {
      globalExports: readonly string[];
      memoryExport?: string;
    },
  ) {
    this.#memory = memoryExport === undefined
      ? undefined
      : exports[memoryExport] as WebAssembly.Memory;
    this.#globals = globalExports.map((name) => exports[name] as WebAssembly.Global);
    this.#pages = exports[PAGES_EXPORT] as WebAssembly.Global | undefined;
  }

  /** All of the memory; an array on a memory that has grown since has length 0. */
  get #current(): Uint8Array<ArrayBuffer> {
    if (this.#bytes.length === 0 && this.#memory) {
      this.#bytes = new Uint8Array(this.#memory.buffer as ArrayBuffer);
    }
    return this.#bytes;
  }

  /** Bytes of the memory that it defines, 0 without one. */
  get bytes(): number {
    return this.#current.length;
  }

  takeMemory(): MemorySnapshot | undefined {
    return this.#memory && this.#memoryReset.take(this.#current);
  }

  takeGlobals(): readonly unknown[] {
    return this.#globals.map(({ value }) => value);
  }

  /**
   * Restores memory and globals.
   *
   * @param sharedPages the visible pages of a memory that other core instances use, too.
   * @returns false if that is not worth it.
   */
  restore(
    memory: MemorySnapshot | undefined,
    globals: readonly unknown[],
    sharedPages: number | undefined,
  ): boolean {
    if (memory) {
      const bytes = this.#current;
      const pages: number | undefined = sharedPages ?? this.#pages?.value;
      const neededBytes = pages && pages * pageBytes;
      if (!this.#memoryReset.isWorthKeeping(memory, bytes.length, neededBytes)) return false;
      this.#memoryReset.restore(memory, bytes);
    }
    for (const [index, global] of this.#globals.entries()) global.value = globals[index];
    return true;
  }
}
