import { CapsuleError } from "../base/errors.ts";
import { accessorNames, PAGES_EXPORT } from "../prepare/contract.ts";
import { type Blueprint, nextStartMode, type Snapshot } from "./blueprint.ts";
import type { Guest } from "./guest.ts";
import { isSuspendError, promising } from "./jspi.ts";
import type { MemoryReset } from "./memory_reset.ts";

const pageBytes = 65_536;

/** Resources that belong to an instance beside its memory, such as its files. */
export interface InstanceResources {
  /** Restores what the last call changed. */
  reset(): void;
  /** Frees what the operating system holds. */
  close(): void;
  /** Calls so far whose result may differ from run to run. */
  readonly nondeterministicCalls: number;
  /** Returns the exit code if `thrown` is the guest's `proc_exit`. */
  exitCodeOf(thrown: unknown): number | undefined;
}

/** An export as a function. */
export type GuestExport = (...args: number[]) => unknown;

/**
 * - `unstarted`: memory and globals are those before `_start`.
 * - `ready`: `_start` has ended and nothing was called since; the handler may be called.
 * - `used`: the handler was called, or a start failed.
 */
type Lifecycle = "unstarted" | "ready" | "used";

/**
 * An instance that is restored after each call: `start` makes it ready for the handler, `reset`
 * restores it.
 *
 * Memory and all mutable globals are restored, so an instance survives even a trap. A memory that
 * grew cannot shrink: the guest is shown its first size again (`prepare/visible_pages.ts`), and the
 * instance is discarded if the growth is large or no longer needed. Until then a guest that reads
 * past its size finds zeros, where a new instance would trap.
 */
export class GuestInstance {
  readonly guest: Guest;
  readonly exports: WebAssembly.Exports;
  readonly #blueprint: Blueprint;
  readonly #globals: BoundGlobal[];
  readonly #counter: WebAssembly.Global | undefined;
  /** The number of pages that the guest sees; undefined if its memory cannot grow. */
  readonly #pages: WebAssembly.Global | undefined;
  readonly #memoryReset: MemoryReset | undefined;
  readonly #resources: InstanceResources;
  readonly #startName: "_start" | "_initialize" | undefined;
  readonly #awaitable = new Map<string, GuestExport>();
  #lifecycle: Lifecycle = "unstarted";
  /** The block of the call's arguments, from `malloc`. */
  #arguments: number | undefined;

  constructor(
    blueprint: Blueprint,
    parts: {
      guest: Guest;
      resources: InstanceResources;
      imports: WebAssembly.Imports;
      /** Restores the memory; undefined for an instance that is never reset. */
      memoryReset: MemoryReset | undefined;
    },
  ) {
    const { guest, resources, imports, memoryReset } = parts;
    const { counterExport, globalExports, kind, module, starts } = blueprint;
    this.#blueprint = blueprint;
    this.#memoryReset = memoryReset;
    this.#resources = resources;
    this.guest = guest;
    this.exports = new WebAssembly.Instance(module, imports).exports;
    guest.memory.bind(this.exports.memory as WebAssembly.Memory);
    this.#globals = globalExports.map((name) => bindGlobal(this.exports, name));
    const counter = counterExport === undefined
      ? undefined
      : this.exports[counterExport] as WebAssembly.Global;
    this.#counter = counter;
    if (counter) guest.exhaustSteps = () => counter.value = 0;
    this.#pages = this.exports[PAGES_EXPORT] as WebAssembly.Global | undefined;
    if (kind === "function") {
      this.#startName = this.exports._start
        ? "_start"
        : this.exports._initialize
        ? "_initialize"
        : undefined;
    }
    if (memoryReset) starts.beforeStart ??= this.#takeSnapshot(memoryReset);
  }

  /** True if the handler can be called: started, and nothing called since. */
  get isReady(): boolean {
    return this.#lifecycle === "ready";
  }

  /** Begins a call, as `Guest.begin`, and sets the step counter. */
  begin(mayWait: boolean, cameMs?: number): void {
    const budget = this.guest.begin(mayWait, cameMs);
    if (this.#counter) this.#counter.value = budget;
  }

  /**
   * Runs `_start` synchronously, within a tentative call.
   *
   * @returns false if `_start` has to be run by `startAwaitable`; the instance is reset.
   * @throws CapsuleError `START` for an exit code other than 0, or if the module cannot be reset.
   */
  start(): boolean {
    if (this.#lifecycle === "ready") return true;
    const { isolation, starts } = this.#blueprint;
    // An instance that cannot be reset has only one try.
    if (starts.mode.kind === "awaitable" || isolation !== "reset") return false;
    const before = this.#resources.nondeterministicCalls;
    this.#lifecycle = "used";
    try {
      if (this.#startName) (this.exports[this.#startName] as GuestExport)();
    } catch (error) {
      if (!this.#ignoreExit(error)) {
        const { rerunReason } = this.guest;
        if (!rerunReason && !isSuspendError(error)) throw error;
        this.guest.output.discard();
        starts.mode = nextStartMode(starts.mode, rerunReason === "slow" ? "slow" : "must wait");
        if (this.reset()) return false;
        throw new CapsuleError("START", "the module cannot be started a second time");
      }
    }
    starts.mode = nextStartMode(starts.mode, "returned");
    this.#started();
    const asked = this.guest.hostCalls + this.#resources.nondeterministicCalls - before;
    if (asked === 0 && this.#memoryReset) {
      starts.afterStart ??= this.#takeSnapshot(this.#memoryReset);
    }
    return true;
  }

  /** True if the next start has to be awaited. */
  get startIsAwaitable(): boolean {
    return this.#blueprint.starts.mode.kind === "awaitable";
  }

  /**
   * Runs `_start` where it may wait.
   *
   * @param cameMs when the call came, as `performance.now()`.
   * @throws CapsuleError `START` for an exit code other than 0.
   */
  async startAwaitable(cameMs: number): Promise<void> {
    if (this.#lifecycle === "ready") return;
    this.begin(true, cameMs);
    this.#lifecycle = "used";
    if (this.#startName) {
      try {
        await this.awaitable(this.#startName)();
      } catch (error) {
        if (!this.#ignoreExit(error)) throw error;
      }
    }
    this.#started();
  }

  /** Calls an export synchronously. */
  call(name: string, args: readonly number[]): unknown {
    this.#lifecycle = "used";
    return (this.exports[name] as GuestExport)(...args);
  }

  /** Returns an export as a function that may wait. */
  awaitable(name: string): GuestExport {
    this.#lifecycle = "used";
    let made = this.#awaitable.get(name);
    if (!made) {
      made = promising(this.exports[name] as WebAssembly.ExportValue);
      this.#awaitable.set(name, made);
    }
    return made;
  }

  /** Records that the handler is called by other means than `call` and `awaitable`. */
  use(): void {
    this.#lifecycle = "used";
  }

  /**
   * Restores memory and globals to their state before `_start`, or after it if `_start` is
   * repeatable. Returns false if that is impossible or not worth it: close the instance.
   */
  reset(): boolean {
    this.#lifecycle = "used";
    const { beforeStart, afterStart } = this.#blueprint.starts;
    const snapshot = afterStart ?? beforeStart;
    const memoryReset = this.#memoryReset;
    if (!snapshot || !memoryReset) return false;
    const { bytes } = this.guest.memory;
    const neededBytes = this.#pages && this.#pages.value * pageBytes;
    if (!memoryReset.isWorthKeeping(snapshot.memory, bytes.length, neededBytes)) return false;
    memoryReset.restore(snapshot.memory, bytes);
    for (let i = 0; i < this.#globals.length; i++) {
      const global = this.#globals[i];
      if (global) global.value = snapshot.globals[i];
    }
    this.#resources.reset();
    this.#arguments = undefined;
    this.#lifecycle = afterStart ? "ready" : "unstarted";
    return true;
  }

  /** Records the block of a call's arguments, which `keep` frees. */
  setArguments(pointer: number): void {
    this.#arguments = pointer;
  }

  /** Makes an instance ready for its next call without a reset: frees the arguments. */
  keep(): void {
    this.#lifecycle = "ready";
    const pointer = this.#arguments;
    this.#arguments = undefined;
    const free = this.exports.free as ((pointer: number) => void) | undefined;
    if (pointer !== undefined && free) this.guest.inside(() => free(pointer));
  }

  /** Frees what the operating system holds for the instance. */
  close(): void {
    this.#resources.close();
  }

  #started(): void {
    const { guest } = this;
    if (guest.exitCode) {
      throw new CapsuleError("START", `the module's _start ended with exit code ${guest.exitCode}`);
    }
    guest.output.end();
    this.#lifecycle = "ready";
  }

  /** Records the exit code and returns true if `thrown` is the guest's `proc_exit`. */
  #ignoreExit(thrown: unknown): boolean {
    const code = this.#resources.exitCodeOf(thrown);
    if (code === undefined) return false;
    this.guest.setExitCode(code);
    return true;
  }

  #takeSnapshot(memoryReset: MemoryReset): Snapshot {
    return {
      memory: memoryReset.take(this.guest.memory.bytes),
      globals: this.#globals.map((global) => global.value),
    };
  }
}

/** A mutable global of an instance, to be read and written back without a change. */
export interface BoundGlobal {
  value: unknown;
}

/** Returns the global that a prepared module exports under `name`, itself or through accessors. */
export function bindGlobal(exports: WebAssembly.Exports, name: string): BoundGlobal {
  const global = exports[name];
  if (global instanceof WebAssembly.Global) return global;
  const { get, set } = accessorNames(name);
  const read = exports[get] as () => unknown;
  const write = exports[set] as (value: unknown) => void;
  return {
    get value() {
      return read();
    },
    set value(value) {
      write(value);
    },
  };
}
