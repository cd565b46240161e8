import { FileError } from "../files/file_error.ts";
import { argsFunctions, encodeStrings, encodeVariables, type VariableValue } from "./args.ts";
import { clockFunctions } from "./clock.ts";
import { fdByteFunctions } from "./fd_bytes.ts";
import { fdFolderFunctions } from "./fd_folder.ts";
import { fdStateFunctions } from "./fd_state.ts";
import { pathFunctions } from "./path.ts";
import { pollFunctions } from "./poll.ts";
import { Errno, Refusal } from "./preview1.ts";
import { GuestExit, procFunctions, schedFunctions } from "./proc.ts";
import { randomFunctions } from "./random.ts";
import { sockFunctions } from "./sock.ts";
import type { State, WasiFunction } from "./state.ts";

/** All functions of `wasi_snapshot_preview1`, by name. */
export type WasiImports = Readonly<Record<Preview1Name, WasiFunction>>;

/** What the table needs beside the state: what the guest was called with. */
export interface Called {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, VariableValue>>;
}

/** In the order of the specification. */
export const preview1Names = [
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

export type Preview1Name = (typeof preview1Names)[number];

/** The table, in the order of the specification. */
export function preview1(state: State, called: Called): WasiImports {
  const args = argsFunctions(
    state,
    once(() => encodeStrings(called.args)),
    once(() => encodeVariables(called.env)),
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
      const answer = call(...parameters);
      return answer instanceof Promise ? answer.catch(errnoOf) as unknown as R : answer;
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

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}
