import type { Folder } from "../files/folder.ts";
import { GuestMemory } from "../wasm/memory.ts";
import type { VariableValue } from "./args.ts";
import { type Descriptor, Descriptors } from "./descriptors.ts";
import { allRights, directoryRights, Right, streamRights } from "./preview1.ts";
import { GuestExit } from "./proc.ts";
import { makeWasiImports, type WasiFamily, type WasiImports } from "./imports.ts";
import { preview1Layouts, unstableLayouts } from "./layouts.ts";
import type { WasiClock, WasiFunction, WasiState } from "./state.ts";
import type { WasiInput, WasiOutput } from "./streams.ts";

export { GuestExit };
export type { VariableValue, WasiClock, WasiFunction, WasiImports, WasiInput, WasiOutput };

/** A preopened directory. */
export interface Preopen {
  /** The guest's name of it. */
  readonly guest: string;
  /** Opens it; called when the guest first uses it. */
  open(): Folder;
}

/** Options of `Wasi`. */
export interface WasiOptions {
  /** The result of `loadFamilies` for the functions that the guest imports. */
  readonly families: readonly WasiFamily[];
  /** The first one is the program's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, VariableValue>>;
  /** Descriptors from 3 on, in this order. */
  readonly preopens: readonly Preopen[];
  readonly stdin: WasiInput;
  readonly stdout: WasiOutput;
  readonly stderr: WasiOutput;
  /** Set if one of the two may return a promise. Default: false. */
  readonly outputWaits?: boolean;
  /** Standard streams that are terminals. Default: none. */
  readonly terminals?: {
    readonly stdin?: boolean;
    readonly stdout?: boolean;
    readonly stderr?: boolean;
  };
  /** Called before each function. */
  readonly onCall?: () => void;
  /** Called during long work; throws when the call is past its deadline. Default: never throws. */
  readonly assertInTime?: () => void;
  /** Default: the clocks of this process. */
  readonly clock?: WasiClock;
  /** Fills a buffer of at most 65,536 bytes. Default: `crypto.getRandomValues`. */
  readonly random?: (bytes: Uint8Array<ArrayBuffer>) => void;
}

/**
 * WASI preview1 for one instance, used for one call after the other with `reset` between them.
 *
 * Every function checks its arguments and returns an error number. Only `proc_exit` throws, the
 * guest's `GuestExit`.
 *
 * @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
 */
export class Wasi {
  readonly imports: WasiImports;
  /** Names of functions that may return a promise, to be wrapped in `WebAssembly.Suspending`. */
  readonly suspending: ReadonlySet<string>;
  readonly #state: WasiState;
  readonly #roots: readonly PreopenedDirectory[];
  readonly #options: WasiOptions;
  #unstable: WasiImports | undefined;

  constructor(options: WasiOptions) {
    this.#roots = options.preopens.map((preopen) => new PreopenedDirectory(preopen));
    this.#state = {
      memory: new GuestMemory(),
      descriptors: new Descriptors(() => initialDescriptors(options, this.#roots)),
      stdin: options.stdin,
      input: undefined,
      clock: options.clock,
      random: options.random,
      onCall: options.onCall ?? (() => {}),
      assertInTime: options.assertInTime ?? (() => {}),
      nondeterministicCalls: 0,
      pending: new Set(),
    };
    this.#options = options;
    this.imports = makeWasiImports(options.families, this.#state, options, preview1Layouts);
    const suspending = new Set(["poll_oneoff"]);
    if (options.stdin.kind === "stream") suspending.add("fd_read");
    if (options.outputWaits) suspending.add("fd_write");
    this.suspending = suspending;
  }

  /** The functions of `wasi_unstable` (snapshot 0), made on first use. */
  get unstableImports(): WasiImports {
    if (!this.#unstable) {
      const { sock_accept: _, ...imports } = makeWasiImports(
        this.#options.families,
        this.#state,
        this.#options,
        unstableLayouts,
      );
      this.#unstable = imports;
    }
    return this.#unstable;
  }

  /** The guest's memory, to be bound before the guest runs. */
  get memory(): GuestMemory {
    return this.#state.memory;
  }

  /**
   * Calls so far whose result may differ between runs, or that have a side effect: all but those on
   * arguments, environment, flags and rights of descriptors, and the end of the program.
   */
  get nondeterministicCalls(): number {
    return this.#state.nondeterministicCalls;
  }

  /** Returns the exit code if `thrown` is the guest's exit, else undefined. */
  exitCodeOf(thrown: unknown): number | undefined {
    return thrown instanceof GuestExit ? thrown.code : undefined;
  }

  /** Restores the initial descriptors, closes the others and cancels pending waits. */
  reset(): void {
    const { descriptors, input, pending } = this.#state;
    descriptors.reset();
    input?.rewind();
    if (pending.size === 0) return;
    for (const cancel of pending) cancel();
    pending.clear();
  }

  /** Closes all descriptors and preopened directories. */
  close(): void {
    this.reset();
    for (const root of this.#roots) root.close();
  }
}

/** A preopened directory, opened on first use. */
class PreopenedDirectory {
  readonly name: Uint8Array;
  readonly #preopen: Preopen;
  #folder: Folder | undefined;

  constructor(preopen: Preopen) {
    this.name = new TextEncoder().encode(preopen.guest);
    this.#preopen = preopen;
  }

  get folder(): Folder {
    return this.#folder ??= this.#preopen.open();
  }

  close(): void {
    this.#folder?.close();
    this.#folder = undefined;
  }
}

function initialDescriptors(
  options: WasiOptions,
  roots: readonly PreopenedDirectory[],
): Descriptor[] {
  const terminals = options.terminals ?? {};
  const rights = streamRights | Right.fdWrite;
  return [
    {
      kind: "input",
      isTerminal: terminals.stdin ?? false,
      rights: streamRights | Right.fdRead,
      inheriting: 0,
      flags: 0,
    },
    {
      kind: "output",
      write: options.stdout,
      isTerminal: terminals.stdout ?? false,
      rights,
      inheriting: 0,
      flags: 0,
    },
    {
      kind: "output",
      write: options.stderr,
      isTerminal: terminals.stderr ?? false,
      rights,
      inheriting: 0,
      flags: 0,
    },
    ...roots.map((root): Descriptor => ({
      kind: "directory",
      get folder() {
        return root.folder;
      },
      root,
      preopenName: root.name,
      dropped: 0,
      rights: directoryRights,
      inheriting: allRights & ~(Right.sockShutdown | Right.sockAccept),
      flags: 0,
    })),
  ];
}
