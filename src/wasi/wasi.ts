import type { Folder } from "../files/folder.ts";
import { GuestMemory } from "../wasm/memory.ts";
import type { VariableValue } from "./args.ts";
import type { WasiClock } from "./clock.ts";
import { type Descriptor, Descriptors } from "./descriptors.ts";
import { allRights, directoryRights, Right, streamRights } from "./preview1.ts";
import { GuestExit } from "./proc.ts";
import { type Family, preview1, type WasiImports } from "./imports.ts";
import type { State, WasiFunction } from "./state.ts";
import type { WasiInput, WasiOutput } from "./streams.ts";

export { GuestExit };
export type { VariableValue, WasiClock, WasiFunction, WasiImports, WasiInput, WasiOutput };

/** A folder that a guest sees, and under which name. */
export interface Preopen {
  readonly guest: string;
  /** Opens it, when the guest first uses it. */
  open(): Folder;
}

export interface WasiOptions {
  /** What `loadFamilies` gave for the functions that the guest imports. */
  readonly families: readonly Family[];
  /** The first one is the program's own name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, VariableValue>>;
  /** Descriptors from 3 on, in this order. */
  readonly preopens: readonly Preopen[];
  readonly stdin: WasiInput;
  readonly stdout: WasiOutput;
  readonly stderr: WasiOutput;
  /** Whether one of the two may answer a promise. Default: no. */
  readonly outputWaits?: boolean;
  /** Which standard streams are terminals, for programs that ask. Default: none. */
  readonly terminals?: {
    readonly stdin?: boolean;
    readonly stdout?: boolean;
    readonly stderr?: boolean;
  };
  /** Told of each call before it is made. */
  readonly onCall?: () => void;
  /** Default: the clocks of this process. */
  readonly clock?: WasiClock;
  /** Fills the buffer, 65,536 bytes at most. Default: `crypto.getRandomValues`. */
  readonly random?: (bytes: Uint8Array<ArrayBuffer>) => void;
}

/** Functions whose layout or numbers differ in `wasi_unstable`. */
const differentInUnstable: ReadonlySet<string> = new Set([
  "fd_filestat_get",
  "fd_seek",
  "path_filestat_get",
  "poll_oneoff",
  "sock_accept",
]);

/**
 * One guest's view of the system: a WASI preview1 made for one instance, and used for call after call with `reset` between them.
 *
 * Every function checks what it is handed and answers an error number; the guest cannot make one throw, but for
 * `proc_exit`, which throws this guest's `GuestExit`.
 *
 * @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
 */
export class Wasi {
  readonly imports: WasiImports;
  /** Names of functions that may answer a promise, to be wrapped in `WebAssembly.Suspending`. */
  readonly suspending: ReadonlySet<string>;
  readonly #state: State;
  readonly #roots: readonly Root[];
  #unstable: Readonly<Record<string, WasiFunction>> | undefined;

  constructor(options: WasiOptions) {
    this.#roots = options.preopens.map((preopen) => new Root(preopen));
    this.#state = {
      memory: new GuestMemory(),
      descriptors: new Descriptors(() => initialDescriptors(options, this.#roots)),
      stdin: options.stdin,
      input: undefined,
      clock: options.clock,
      random: options.random,
      onCall: options.onCall ?? (() => {}),
      nondeterministicCalls: 0,
      pending: new Set(),
    };
    this.imports = preview1(options.families, this.#state, options);
    const suspending = new Set(["poll_oneoff"]);
    if (options.stdin.kind === "stream") suspending.add("fd_read");
    if (options.outputWaits) suspending.add("fd_write");
    this.suspending = suspending;
  }

  /** `wasi_unstable`, as far as it is the same under an older name. */
  get unstableImports(): Readonly<Record<string, WasiFunction>> {
    return this.#unstable ??= Object.fromEntries(
      Object.entries(this.imports).filter(([name]) => !differentInUnstable.has(name)),
    );
  }

  /** Bind the instance's memory to it before the guest runs. */
  get memory(): GuestMemory {
    return this.#state.memory;
  }

  /**
   * Calls so far whose answer may differ from run to run, or whose effect must happen in each run: everything but
   * arguments, environment, descriptors' flags and rights, and the end of the program.
   */
  get nondeterministicCalls(): number {
    return this.#state.nondeterministicCalls;
  }

  /** The exit code, if what was thrown is the guest ending itself. */
  exitCodeOf(thrown: unknown): number | undefined {
    return thrown instanceof GuestExit ? thrown.code : undefined;
  }

  /** Puts descriptors back as at the start, and closes what the guest left open. Nearly free when it opened nothing. */
  reset(): void {
    const { descriptors, input, pending } = this.#state;
    descriptors.reset();
    input?.rewind();
    if (pending.size === 0) return;
    for (const stop of pending) stop();
    pending.clear();
  }

  /** Closes everything. */
  close(): void {
    this.reset();
    for (const root of this.#roots) root.close();
  }
}

/** A granted folder, opened when it is first used. */
class Root {
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

function initialDescriptors(options: WasiOptions, roots: readonly Root[]): Descriptor[] {
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
      kind: "folder",
      get folder() {
        return root.folder;
      },
      root,
      preopenName: root.name,
      givenUp: 0,
      rights: directoryRights,
      inheriting: allRights & ~(Right.sockShutdown | Right.sockAccept),
      flags: 0,
    })),
  ];
}
