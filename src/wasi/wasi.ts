import { FileError } from "../files/file_error.ts";
import { Folder } from "../files/folder.ts";
import { OwnFiles } from "../files/own_files.ts";
import { systemKernel } from "../files/system_kernel.ts";
import { GuestMemory } from "../wasm/memory.ts";
import { argsFunctions, encodeStrings } from "./args.ts";
import { clockFunctions, systemClock, type WasiClock } from "./clock.ts";
import { type Descriptor, Descriptors } from "./descriptors.ts";
import { fdByteFunctions } from "./fd_bytes.ts";
import { fdFolderFunctions } from "./fd_folder.ts";
import { fdStateFunctions } from "./fd_state.ts";
import { pathFunctions } from "./path.ts";
import { pollFunctions } from "./poll.ts";
import { allRights, directoryRights, Errno, Refusal, Right, streamRights } from "./preview1.ts";
import { GuestExit, procFunctions, schedFunctions } from "./proc.ts";
import { randomFunctions } from "./random.ts";
import { sockFunctions } from "./sock.ts";
import type { State, WasiFunction } from "./state.ts";
import { StandardInput, type WasiInput, type WasiOutput } from "./streams.ts";

export { GuestExit };
export type { WasiClock, WasiFunction, WasiInput, WasiOutput };

/** A folder that a guest sees, and under which name. */
export interface Preopen {
  readonly host: string;
  readonly guest: string;
}

export interface WasiOptions {
  /** The first one is the program's own name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Descriptors from 3 on, in this order. Each is opened when the guest first uses it. */
  readonly preopens: readonly Preopen[];
  /** Files of the launcher's own, which no path leads to even inside a preopen. Default: none. */
  readonly ownFiles?: readonly string[];
  readonly stdin: WasiInput;
  readonly stdout: WasiOutput;
  readonly stderr: WasiOutput;
  /** Which standard streams are terminals, for programs that ask. Default: none. */
  readonly terminals?: { readonly stdin?: boolean; readonly stdout?: boolean; readonly stderr?: boolean };
  /** Default: the clocks of this process. */
  readonly clock?: WasiClock;
  /** Fills the buffer, 65,536 bytes at most. Default: `crypto.getRandomValues`. */
  readonly random?: (bytes: Uint8Array<ArrayBuffer>) => void;
}

/** All functions of `wasi_snapshot_preview1`, by name. */
export type WasiImports = Readonly<Record<Preview1Name, WasiFunction>>;

/** One guest's view of the system: made for one instance, and used for call after call with `reset` between them. */
export interface Wasi {
  readonly imports: WasiImports;
  /** `wasi_unstable`, as far as it is the same under an older name. */
  readonly unstableImports: Readonly<Record<string, WasiFunction>>;
  /** Names of functions that may answer a promise, to be wrapped in `WebAssembly.Suspending`. */
  readonly suspending: ReadonlySet<string>;
  /** Bind the instance's memory to it before the guest runs. */
  readonly memory: GuestMemory;
  /** Puts descriptors back as at the start, and closes what the guest left open. Nearly free when it opened nothing. */
  reset(): void;
  /** Closes everything. */
  close(): void;
  /**
   * Calls so far whose answer may differ from run to run, or whose effect must happen in each run: everything but
   * arguments, environment, descriptors' flags and rights, and the end of the program.
   */
  readonly nondeterministicCalls: number;
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
 * A WASI preview1 for one instance.
 *
 * Every function checks what it is handed and answers an error number; the guest cannot make one throw, but for
 * `proc_exit`, which throws this guest's `GuestExit`.
 *
 * @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
 */
export function createWasi(options: WasiOptions): Wasi {
  const roots = options.preopens.map((preopen) => new Root(preopen, options.ownFiles ?? []));
  const input = new StandardInput(options.stdin);
  const state: State = {
    memory: new GuestMemory(),
    descriptors: new Descriptors(() => initialDescriptors(options, input, roots)),
    clock: options.clock ?? systemClock(),
    random: options.random ?? randomValues,
    nondeterministicCalls: 0,
    pending: new Set(),
  };
  const imports = preview1(state, options);
  const suspending = new Set(["poll_oneoff", ...(options.stdin.kind === "stream" ? ["fd_read"] : [])]);
  let unstable: Record<string, WasiFunction> | undefined;

  const reset = () => {
    state.descriptors.reset();
    input.rewind();
    if (state.pending.size === 0) return;
    for (const stop of state.pending) stop();
    state.pending.clear();
  };

  return {
    imports,
    get unstableImports() {
      return unstable ??= Object.fromEntries(
        Object.entries(imports).filter(([name]) => !differentInUnstable.has(name)),
      );
    },
    suspending,
    memory: state.memory,
    reset,
    close() {
      reset();
      for (const root of roots) root.close();
    },
    get nondeterministicCalls() {
      return state.nondeterministicCalls;
    },
  };
}

const preview1Names = [
  ...["args_get", "args_sizes_get", "environ_get", "environ_sizes_get", "clock_res_get", "clock_time_get"],
  ...["fd_advise", "fd_allocate", "fd_close", "fd_datasync", "fd_fdstat_get", "fd_fdstat_set_flags"],
  ...["fd_fdstat_set_rights", "fd_filestat_get", "fd_filestat_set_size", "fd_filestat_set_times", "fd_pread"],
  ...[
    "fd_prestat_get",
    "fd_prestat_dir_name",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
  ],
  ...[
    "fd_sync",
    "fd_tell",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
  ],
  ...["path_link", "path_open", "path_readlink", "path_remove_directory", "path_rename", "path_symlink"],
  ...[
    "path_unlink_file",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "sched_yield",
    "random_get",
    "sock_accept",
  ],
  ...["sock_recv", "sock_send", "sock_shutdown"],
] as const;

type Preview1Name = (typeof preview1Names)[number];

/** The table, in the order of the specification. */
function preview1(state: State, options: WasiOptions): WasiImports {
  const args = argsFunctions(
    state,
    once(() => encodeStrings(options.args)),
    once(() => encodeStrings(Object.entries(options.env).map(([name, value]) => `${name}=${value}`))),
  );
  const clock = clockFunctions(state);
  const fdBytes = fdByteFunctions(state);
  const fdState = fdStateFunctions(state);
  const fdFolder = fdFolderFunctions(state);
  const path = pathFunctions(state);
  const poll = pollFunctions(state);
  const proc = procFunctions(new GuestExit());
  const random = randomFunctions(state);
  const sched = schedFunctions();
  const sock = sockFunctions(state);
  return {
    args_get: atBorder(args.args_get),
    args_sizes_get: atBorder(args.args_sizes_get),
    environ_get: atBorder(args.environ_get),
    environ_sizes_get: atBorder(args.environ_sizes_get),
    clock_res_get: atBorder(clock.clock_res_get),
    clock_time_get: atBorder(clock.clock_time_get),
    fd_advise: atBorder(fdState.fd_advise),
    fd_allocate: atBorder(fdState.fd_allocate),
    fd_close: atBorder(fdState.fd_close),
    fd_datasync: atBorder(fdState.fd_datasync),
    fd_fdstat_get: atBorder(fdState.fd_fdstat_get),
    fd_fdstat_set_flags: atBorder(fdState.fd_fdstat_set_flags),
    fd_fdstat_set_rights: atBorder(fdState.fd_fdstat_set_rights),
    fd_filestat_get: atBorder(fdState.fd_filestat_get),
    fd_filestat_set_size: atBorder(fdState.fd_filestat_set_size),
    fd_filestat_set_times: atBorder(fdState.fd_filestat_set_times),
    fd_pread: atBorder(fdBytes.fd_pread),
    fd_prestat_get: atBorder(fdFolder.fd_prestat_get),
    fd_prestat_dir_name: atBorder(fdFolder.fd_prestat_dir_name),
    fd_pwrite: atBorder(fdBytes.fd_pwrite),
    fd_read: atBorder(fdBytes.fd_read),
    fd_readdir: atBorder(fdFolder.fd_readdir),
    fd_renumber: atBorder(fdState.fd_renumber),
    fd_seek: atBorder(fdBytes.fd_seek),
    fd_sync: atBorder(fdState.fd_sync),
    fd_tell: atBorder(fdBytes.fd_tell),
    fd_write: atBorder(fdBytes.fd_write),
    path_create_directory: atBorder(path.path_create_directory),
    path_filestat_get: atBorder(path.path_filestat_get),
    path_filestat_set_times: atBorder(path.path_filestat_set_times),
    path_link: atBorder(path.path_link),
    path_open: atBorder(path.path_open),
    path_readlink: atBorder(path.path_readlink),
    path_remove_directory: atBorder(path.path_remove_directory),
    path_rename: atBorder(path.path_rename),
    path_symlink: atBorder(path.path_symlink),
    path_unlink_file: atBorder(path.path_unlink_file),
    poll_oneoff: atBorder(poll.poll_oneoff),
    proc_exit: proc.proc_exit,
    proc_raise: proc.proc_raise,
    sched_yield: sched.sched_yield,
    random_get: atBorder(random.random_get),
    sock_accept: atBorder(sock.sock_accept),
    sock_recv: atBorder(sock.sock_recv),
    sock_send: atBorder(sock.sock_send),
    sock_shutdown: atBorder(sock.sock_shutdown),
  } satisfies Record<Preview1Name, WasiFunction>;
}

/** The border: what is thrown inside becomes the number that the guest gets. Anything unknown is a bug and passes. */
function atBorder<P extends unknown[], R extends number | Promise<number>>(
  call: (...parameters: P) => R,
): (...parameters: P) => R | number {
  return (...parameters) => {
    try {
      return call(...parameters);
    } catch (thrown) {
      return errnoOf(thrown);
    }
  };
}

function errnoOf(thrown: unknown): number {
  if (thrown instanceof Refusal) return thrown.errno;
  if (thrown instanceof FileError) {
    if (thrown.code === "EOUTSIDE") return Errno.EPERM;
    return (Errno as Readonly<Record<string, number>>)[thrown.code] ?? Errno.EIO;
  }
  if (thrown instanceof Deno.errors.BrokenPipe) return Errno.EPIPE;
  if (thrown instanceof Deno.errors.WouldBlock) return Errno.EAGAIN;
  throw thrown;
}

/** A granted folder, opened when it is first used. */
class Root {
  readonly name: Uint8Array;
  readonly #host: string;
  readonly #ownFiles: readonly string[];
  #folder: Folder | undefined;

  constructor(preopen: Preopen, ownFiles: readonly string[]) {
    this.name = new TextEncoder().encode(preopen.guest);
    this.#host = preopen.host;
    this.#ownFiles = ownFiles;
  }

  get folder(): Folder {
    if (this.#folder) return this.#folder;
    const kernel = systemKernel();
    return this.#folder = new Folder(
      kernel,
      kernel.openRoot(this.#host),
      new OwnFiles(kernel, this.#ownFiles),
    );
  }

  close(): void {
    this.#folder?.close();
    this.#folder = undefined;
  }
}

function initialDescriptors(
  options: WasiOptions,
  input: StandardInput,
  roots: readonly Root[],
): Descriptor[] {
  const terminals = options.terminals ?? {};
  const rights = streamRights | Right.fdWrite;
  return [
    {
      kind: "input",
      input,
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
      rights: directoryRights,
      inheriting: allRights & ~(Right.sockShutdown | Right.sockAccept),
      flags: 0,
    })),
  ];
}

function randomValues(bytes: Uint8Array<ArrayBuffer>): void {
  crypto.getRandomValues(bytes);
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}
