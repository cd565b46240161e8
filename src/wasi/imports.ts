import { CapsuleError } from "../base/errors.ts";
import type { Called } from "./args.ts";
import { fdByteFunctions } from "./fd_bytes.ts";
import { Errno, Refusal } from "./preview1.ts";
import { GuestExit, procFunctions, schedFunctions } from "./proc.ts";
import { randomFunctions } from "./random.ts";
import type { State, WasiFunction } from "./state.ts";

/** The functions of one file, made for one guest. */
export type Family = (state: State, called: Called) => Readonly<Record<string, WasiFunction>>;

/** Where functions are: in a file that came with this one, or in one that is loaded for a guest that imports them. */
type Home = { readonly loaded: Family } | { readonly load: () => Promise<Family> };

const args = { load: async () => (await import("./args.ts")).argsFunctions };
const clock = { load: async () => (await import("./clock.ts")).clockFunctions };
const fdFolder = { load: async () => (await import("./fd_folder.ts")).fdFolderFunctions };
const fdState = { load: async () => (await import("./fd_state.ts")).fdStateFunctions };
const fdRead = { load: async () => (await import("./fd_read.ts")).fdReadFunctions };
const path = { load: async () => (await import("./path.ts")).pathFunctions };
const poll = { load: async () => (await import("./poll.ts")).pollFunctions };
const sock = { load: async () => (await import("./sock.ts")).sockFunctions };
// What nearly every guest imports is loaded with this file: an import() of its own costs a start a third of a millisecond.
const fdBytes = { loaded: fdByteFunctions };
const proc = { loaded: procFunctions };
const random = { loaded: randomFunctions };
const sched = { loaded: schedFunctions };

/** All functions of `wasi_snapshot_preview1` in the order of the specification, and where each is. */
const homes = {
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
  fd_prestat_get: fdFolder,
  fd_prestat_dir_name: fdFolder,
  fd_pwrite: fdBytes,
  fd_read: fdRead,
  fd_readdir: fdFolder,
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
} as const satisfies Record<string, Home>;

export type Preview1Name = keyof typeof homes;

export const preview1Names = Object.keys(homes) as readonly Preview1Name[];

/** The functions of a guest, by name; those of families that were not loaded are missing. */
export type WasiImports = Readonly<Partial<Record<Preview1Name, WasiFunction>>>;

/** Loads the families of the functions that are named; what is no function of WASI has none. */
export async function loadFamilies(
  names: readonly string[] = preview1Names,
): Promise<readonly Family[]> {
  const homeOf: Readonly<Record<string, Home>> = homes;
  const wanted = new Set<Home>();
  for (const name of names) {
    const home = Object.hasOwn(homes, name) ? homeOf[name] : undefined;
    if (home) wanted.add(home);
  }
  return await Promise.all(
    Array.from(wanted, (home) => "load" in home ? home.load() : home.loaded),
  );
}

/** The functions of these families, for one guest. */
export function preview1(families: readonly Family[], state: State, called: Called): WasiImports {
  const imports: Record<string, WasiFunction> = {};
  for (const family of families) {
    for (const [name, call] of Object.entries(family(state, called))) {
      imports[name] = atBorder(call, state.onCall);
    }
  }
  return imports;
}

/** A parameter as it comes from the guest: a number or a bigint. */
type P = never;

/**
 * The border: what is thrown inside becomes the number that the guest gets. Anything unknown is a bug and passes.
 *
 * No function takes more than nine parameters, and a rest parameter would make an array for every call.
 */
function atBorder(call: WasiFunction, onCall: () => void): WasiFunction {
  return (a: P, b: P, c: P, d: P, e: P, f: P, g: P, h: P, i: P) => {
    onCall();
    try {
      const answer = call(a, b, c, d, e, f, g, h, i);
      return answer instanceof Promise ? answer.catch(errnoOf) : answer;
    } catch (thrown) {
      return errnoOf(thrown);
    }
  };
}

function errnoOf(thrown: unknown): number {
  if (thrown instanceof Refusal) return thrown.errno;
  if (thrown instanceof GuestExit) throw thrown;
  // By its name: a guest without files does not load what belongs to them.
  if (thrown instanceof CapsuleError && thrown.name === "FileError") {
    if (thrown.code === "EOUTSIDE") return Errno.EPERM;
    return (Errno as Readonly<Record<string, number>>)[thrown.code] ?? Errno.EIO;
  }
  if (thrown instanceof Deno.errors.BrokenPipe) return Errno.EPIPE;
  if (thrown instanceof Deno.errors.WouldBlock) return Errno.EAGAIN;
  // What the system says of a stream, such as a full disk behind standard output.
  const errno = thrown instanceof Error && "code" in thrown
    ? (Errno as Readonly<Record<string, number>>)[String(thrown.code)]
    : undefined;
  if (errno === undefined) throw thrown;
  return errno;
}
