import { CapsuleError } from "../base/errors.ts";
import type { ArgsAndEnvironment } from "./args.ts";
import type { WasiLayouts } from "./layouts.ts";
import { fdByteFunctions } from "./fd_bytes.ts";
import { Errno, WasiError } from "./preview1.ts";
import { GuestExit, procFunctions, schedFunctions } from "./proc.ts";
import { randomFunctions } from "./random.ts";
import type { WasiFunction, WasiState } from "./state.ts";

/** Makes the functions of one file for one guest. Parameters have the specification's names. */
export type WasiFamily = (
  state: WasiState,
  called: ArgsAndEnvironment,
  layouts: WasiLayouts,
) => Readonly<Record<string, WasiFunction>>;

/** A family that is loaded with this file, or when a guest imports one of its functions. */
type FamilySource =
  | { readonly loaded: WasiFamily }
  | { readonly load: () => Promise<WasiFamily> };

const args = { load: async () => (await import("./args.ts")).argsFunctions };
const clock = { load: async () => (await import("./clock.ts")).clockFunctions };
const fdDirectory = {
  load: async () => (await import("./fd_directory.ts")).fdDirectoryFunctions,
};
const fdState = { load: async () => (await import("./fd_state.ts")).fdStateFunctions };
const fdRead = { load: async () => (await import("./fd_read.ts")).fdReadFunctions };
const path = { load: async () => (await import("./path.ts")).pathFunctions };
const poll = { load: async () => (await import("./poll.ts")).pollFunctions };
const sock = { load: async () => (await import("./sock.ts")).sockFunctions };
// Nearly every guest imports these: loaded statically, as each import() slows a start.
const fdBytes = { loaded: fdByteFunctions };
const proc = { loaded: procFunctions };
const random = { loaded: randomFunctions };
const sched = { loaded: schedFunctions };

/** All functions of `wasi_snapshot_preview1` in the specification's order, with their families. */
const families = {
  args_get: args,
  args_sizes_get: args,
  environ_get: args,
  environ_sizes_get: args,
  clock_res_get: clock,
  clock_time_get: clock,
  fd_advise: fdState,
  fd_allocate: fdState,
  fd_close: fdBytes,
  fd_datasync: fdState,
  fd_fdstat_get: fdState,
  fd_fdstat_set_flags: fdState,
  fd_fdstat_set_rights: fdState,
  fd_filestat_get: fdState,
  fd_filestat_set_size: fdState,
  fd_filestat_set_times: fdState,
  fd_pread: fdBytes,
  fd_prestat_get: fdDirectory,
  fd_prestat_dir_name: fdDirectory,
  fd_pwrite: fdBytes,
  fd_read: fdRead,
  fd_readdir: fdDirectory,
  fd_renumber: fdState,
  fd_seek: fdBytes,
  fd_sync: fdState,
  fd_tell: fdBytes,
  fd_write: fdBytes,
  path_create_directory: path,
  path_filestat_get: path,
  path_filestat_set_times: path,
  path_link: path,
  path_open: path,
  path_readlink: path,
  path_remove_directory: path,
  path_rename: path,
  path_symlink: path,
  path_unlink_file: path,
  poll_oneoff: poll,
  proc_exit: proc,
  proc_raise: proc,
  sched_yield: sched,
  random_get: random,
  sock_accept: sock,
  sock_recv: sock,
  sock_send: sock,
  sock_shutdown: sock,
} as const satisfies Record<string, FamilySource>;

/** The name of a function of preview1. */
export type Preview1Name = keyof typeof families;

/** The names of all functions of preview1, in the specification's order. */
export const preview1Names = Object.keys(families) as readonly Preview1Name[];

/** Functions of a guest by name; those of families that were not loaded are missing. */
export type WasiImports = Readonly<Partial<Record<Preview1Name, WasiFunction>>>;

/** Loads the families of the named functions. Names that are not WASI functions are ignored. */
export async function loadFamilies(
  names: readonly string[] = preview1Names,
): Promise<readonly WasiFamily[]> {
  const sources: Readonly<Record<string, FamilySource>> = families;
  const used = new Set<FamilySource>();
  for (const name of names) {
    const source = Object.hasOwn(families, name) ? sources[name] : undefined;
    if (source) used.add(source);
  }
  return await Promise.all(
    Array.from(used, (source) => "load" in source ? source.load() : source.loaded),
  );
}

/** Makes the functions of these families for one guest, with the layouts of its WASI version. */
export function makeWasiImports(
  families: readonly WasiFamily[],
  state: WasiState,
  called: ArgsAndEnvironment,
  layouts: WasiLayouts,
): WasiImports {
  const imports: Record<string, WasiFunction> = {};
  for (const family of families) {
    for (const [name, call] of Object.entries(family(state, called, layouts))) {
      imports[name] = withErrno(call, state.onCall);
    }
  }
  return imports;
}

/** A parameter as the guest passes it: a number or a bigint. */
type P = never;

/**
 * Wraps a function so that it returns errors as error numbers. An unknown error is a bug and
 * passes.
 *
 * Hot path (bench: `files`): nine parameters are the most of any function, and a rest parameter
 * would allocate.
 */
function withErrno(call: WasiFunction, onCall: () => void): WasiFunction {
  return (a: P, b: P, c: P, d: P, e: P, f: P, g: P, h: P, i: P) => {
    onCall();
    try {
      const result = call(a, b, c, d, e, f, g, h, i);
      return result instanceof Promise ? result.catch(errnoOf) : result;
    } catch (thrown) {
      return errnoOf(thrown);
    }
  };
}

function errnoOf(thrown: unknown): number {
  if (thrown instanceof WasiError) return thrown.errno;
  if (thrown instanceof GuestExit) throw thrown;
  // By name, as a guest without files does not load the class.
  if (thrown instanceof CapsuleError && thrown.name === "FileError") {
    if (thrown.code === "EOUTSIDE") return Errno.EPERM;
    return (Errno as Readonly<Record<string, number>>)[thrown.code] ?? Errno.EIO;
  }
  if (thrown instanceof Deno.errors.BrokenPipe) return Errno.EPIPE;
  if (thrown instanceof Deno.errors.WouldBlock) return Errno.EAGAIN;
  // The system's error on a stream, such as ENOSPC of a file behind standard output.
  const errno = thrown instanceof Error && "code" in thrown
    ? (Errno as Readonly<Record<string, number>>)[String(thrown.code)]
    : undefined;
  if (errno === undefined) throw thrown;
  return errno;
}
