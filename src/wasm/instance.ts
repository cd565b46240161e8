import { CapsuleError } from "../base/errors.ts";
import { PAGES_EXPORT } from "../prepare/contract.ts";
import type { Guest } from "./guest.ts";
import { mustWait, promising } from "./jspi.ts";
import type { MemoryImage } from "./memory_image.ts";
import type { MemoryReset } from "./memory_reset.ts";
import type { Poolable } from "./pool.ts";
import type { StandingStack } from "./standing_stack.ts";

/** What all instances of a module share. */
export interface Blueprint {
  readonly module: WebAssembly.Module;
  readonly kind: ModuleKind;
  /** Exports under which the mutable globals are found, but for the step counter. */
  readonly globalExports: readonly string[];
  /** The export of the step counter, if one was added. */
  readonly counterExport: string | undefined;
  readonly isolation: Isolation;
  /** What was seen of the module while it ran. */
  readonly seen: Seen;
}

/**
 * A `function` is started once (`_start` or `_initialize`), and its handler is called. A `command` is a program: its `_start` is
 * the call, and when that ends, so does the instance.
 */
export type ModuleKind = "function" | "command";

/**
 * What a call finds of the calls before it. `reset`: nothing, the instance is put back after each call. `new instance`:
 * nothing, each call has an instance of its own, for the module cannot be put back. `reuse`: everything, on request.
 */
export type Isolation = "reset" | "new instance" | "reuse";

interface Seen {
  /** The state before `_start`, taken from the first instance. */
  beforeStart: Image | undefined;
  /** The state after it, once `_start` was seen to ask the host for nothing. */
  afterStart: Image | undefined;
  /** Whether `_start` cannot be run synchronously. */
  startWaits: boolean;
  /** How many starts in a row were longer than a slice. */
  slowStarts: number;
}

/** A blueprint of which nothing was seen yet. */
export function createBlueprint(parts: Omit<Blueprint, "seen">): Blueprint {
  return {
    ...parts,
    seen: { beforeStart: undefined, afterStart: undefined, startWaits: false, slowStarts: 0 },
  };
}

/** By how many bytes a memory may have grown for its instance to be kept: clearing them costs less than a new instance. */
const keptGrowth = 4 << 20;
/** After so many calls in a row that needed less, a memory that grew is let go: clearing it all costs each of them. */
const callsUntilShrunk = 16;
const pageBytes = 65536;
/**
 * After so many slow starts in a row they are no chance. The first one of a process often is: what it runs has yet to be
 * compiled, and the machine may be busy. Running `_start` where it can be paused costs 4 to 7 µs of each call.
 */
const slowStartsInARow = 3;

/** Memory and globals at one moment. */
interface Image {
  readonly memory: MemoryImage;
  readonly globals: readonly unknown[];
}

/** What belongs to an instance beside its memory: its files, and whatever else its imports keep for it. */
export interface Belongings {
  /** Puts back what the last call changed. */
  reset(): void;
  /** Frees what the operating system holds. */
  close(): void;
  /** How often the guest has asked for something that differs from run to run. */
  readonly nondeterministicCalls: number;
  /** The exit code, if what was thrown is the guest ending itself. */
  exitCodeOf(thrown: unknown): number | undefined;
}

/** How the calls of an instance are made. */
export type GuestExport = (...args: number[]) => unknown;

/**
 * One instance and its way back: `start` brings it to where the handler can be called, `reset` to where it was before.
 *
 * An instance is put back whole: memory, and every mutable global, so that it survives even a trap. A memory that grew
 * cannot shrink: the guest sees its first size again (`prepare/visible_pages.ts`), and an instance is let go when it grew by
 * much, or when what it grew is no longer needed. Until then a guest that reaches past its size, where a new instance would
 * trap, finds zeros.
 */
export class GuestInstance implements Poolable {
  readonly guest: Guest;
  readonly exports: WebAssembly.Exports;
  readonly #blueprint: Blueprint;
  readonly #globals: WebAssembly.Global[];
  readonly #counter: WebAssembly.Global | undefined;
  /** The pages that the guest sees; undefined when its memory cannot grow. */
  readonly #pages: WebAssembly.Global | undefined;
  #callsWithSpare = 0;
  readonly #memoryReset: MemoryReset | undefined;
  readonly #belongings: Belongings;
  readonly #start: GuestExport | undefined = undefined;
  #askedBefore = 0;
  readonly #promises = new Map<string, GuestExport>();
  /** Where calls that may wait are made, if this instance has had one; it ends with the instance. */
  standing: StandingStack | undefined;
  isLent = false;
  /** Whether the handler can be called: started, and nothing called since. */
  isFresh = false;
  /** What `malloc` gave for the arguments of a call; 0 for nothing. */
  mallocated = 0;

  constructor(
    blueprint: Blueprint,
    parts: {
      guest: Guest;
      belongings: Belongings;
      imports: WebAssembly.Imports;
      /** How its memory is put back; without it, it never is. */
      memoryReset: MemoryReset | undefined;
    },
  ) {
    const { guest, belongings, imports, memoryReset } = parts;
    this.#blueprint = blueprint;
    this.#memoryReset = memoryReset;
    this.#belongings = belongings;
    this.guest = guest;
    const instance = new WebAssembly.Instance(blueprint.module, imports);
    this.exports = instance.exports;
    guest.memory.bind(this.exports.memory as WebAssembly.Memory);
    this.#globals = blueprint.globalExports.map((name) => this.exports[name] as WebAssembly.Global);
    this.#counter = blueprint.counterExport
      ? this.exports[blueprint.counterExport] as WebAssembly.Global
      : undefined;
    const counter = this.#counter;
    if (counter) guest.endSteps = () => counter.value = 0;
    this.#pages = this.exports[PAGES_EXPORT] as WebAssembly.Global | undefined;
    if (blueprint.kind === "function") {
      this.#start = (this.exports._start ?? this.exports._initialize) as GuestExport | undefined;
    }
    if (memoryReset) blueprint.seen.beforeStart ??= this.#takeImage(memoryReset);
  }

  /** Whether `start` needs a promise. */
  get startWaits(): boolean {
    return this.#blueprint.seen.startWaits;
  }

  /** Begins a call: the handler's next steps count for it. One that waits needs the time at which it came. */
  begin(waits: boolean, cameMs?: number): void {
    const budget = this.guest.begin(waits, cameMs);
    if (this.#counter) this.#counter.value = budget;
  }

  /**
   * Runs `_start`, synchronously, within a call begun so. Returns false when `_start` came to something that such a call may not do: the
   * instance is put back, and `startWaiting` is to be called.
   */
  start(): boolean {
    if (this.isFresh) return true;
    // What cannot be put back cannot be tried first.
    if (this.startWaits || this.#blueprint.isolation !== "reset") return false;
    this.#askedBefore = this.#belongings.nondeterministicCalls;
    try {
      this.#run(this.#start);
    } catch (error) {
      if (!this.guest.startsAgain && !mustWait(error)) throw error;
      this.guest.output.discard();
      const { seen } = this.#blueprint;
      seen.startWaits = this.guest.startsAgain !== "slow" || ++seen.slowStarts === slowStartsInARow;
      if (!this.putBack()) {
        throw new CapsuleError("START", "the module cannot be started a second time");
      }
      return false;
    }
    this.#blueprint.seen.slowStarts = 0;
    this.#started(true);
    return true;
  }

  /** Runs `_start` where it may wait, for a call that came at that time. */
  async startWaiting(cameMs: number): Promise<void> {
    if (this.isFresh) return;
    this.begin(true, cameMs);
    if (this.#start) {
      try {
        await this.promise(this.exports._start ? "_start" : "_initialize")();
      } catch (error) {
        this.#ignoreExit(error);
      }
    }
    this.#started(false);
  }

  /** An export as a function that may wait. */
  promise(name: string): GuestExport {
    let made = this.#promises.get(name);
    if (!made) {
      made = promising(this.exports[name] as WebAssembly.ExportValue);
      this.#promises.set(name, made);
    }
    return made;
  }

  /**
   * Puts memory and globals back to what they were before `_start` (or after it, where that is the same thing).
   * Returns false when that cannot be done: the instance is finished.
   */
  putBack(): boolean {
    this.isFresh = false;
    const { beforeStart, afterStart } = this.#blueprint.seen;
    const image = afterStart ?? beforeStart;
    if (!image || !this.#memoryReset) return false;
    if (!this.#keepsMemory(image.memory)) return false;
    this.#memoryReset.restore(image.memory, this.guest.memory.bytes);
    for (let i = 0; i < this.#globals.length; i++) {
      const global = this.#globals[i];
      if (global) global.value = image.globals[i];
    }
    this.#belongings.reset();
    this.isFresh = afterStart !== undefined;
    return true;
  }

  close(): void {
    this.standing?.end();
    this.#belongings.close();
  }

  /** Makes an instance whose call ended well ready for the next one as it is: started once, its arguments freed. */
  keepState(): void {
    this.isFresh = true;
    const pointer = this.mallocated;
    this.mallocated = 0;
    const free = this.exports.free as ((pointer: number) => void) | undefined;
    if (pointer !== 0 && free) this.guest.inside(() => free(pointer));
  }

  /** Whether the memory is such that an instance with it is worth being put back. */
  #keepsMemory(image: MemoryImage): boolean {
    const { length } = this.guest.memory.bytes;
    const grown = length - image.byteLength;
    if (grown === 0) return true;
    if (!this.#pages || grown < 0 || grown > keptGrowth) return false;
    const hasSpare = this.#pages.value * pageBytes < length;
    this.#callsWithSpare = hasSpare ? this.#callsWithSpare + 1 : 0;
    return this.#callsWithSpare < callsUntilShrunk;
  }

  #run(start: GuestExport | undefined): void {
    if (!start) return;
    try {
      start();
    } catch (error) {
      this.#ignoreExit(error);
    }
  }

  #started(synchronously: boolean): void {
    const { guest } = this;
    if (guest.exitCode) {
      throw new CapsuleError("START", `the module's _start ended with exit code ${guest.exitCode}`);
    }
    const asked = guest.hostCalls + this.#belongings.nondeterministicCalls - this.#askedBefore;
    if (asked === 0 && synchronously && this.#memoryReset) {
      this.#blueprint.seen.afterStart ??= this.#takeImage(this.#memoryReset);
    }
    guest.output.end();
    this.isFresh = true;
  }

  /** `proc_exit` ends `_start` by a throw where it is not called in `_start`'s own body. */
  #ignoreExit(thrown: unknown): void {
    const code = this.#belongings.exitCodeOf(thrown);
    if (code === undefined) throw thrown;
    this.guest.exitCode = code;
  }

  #takeImage(memoryReset: MemoryReset): Image {
    return {
      memory: memoryReset.take(this.guest.memory.bytes),
      globals: this.#globals.map((global) => global.value),
    };
  }
}
