import type { CoreFuncType } from "../format/syntax.ts";

/** A function that an adapter exports. */
export interface AdapterFunction {
  readonly type: CoreFuncType;
  /** The imports that the adapter must have to do what the function does. */
  readonly needs: readonly string[];
}

const environment = "wasi:cli/environment";
const streams = "wasi:io/streams";
const preopens = "wasi:filesystem/preopens get-directories";

/** Returns a function of preview1; `parameters` has `i` for i32 and `I` for i64. */
function preview1(parameters: string, ...needs: string[]): AdapterFunction {
  const params = Array.from(parameters, (one) => one === "I" ? "i64" : "i32");
  return { type: { params, results: ["i32"] }, needs };
}

/**
 * The functions of preview1 that can be replaced, in the specification's order: those of programs
 * that write messages, but open no files and do not wait. With files and with `poll_oneoff`, an
 * adapter has other error numbers, rights and inodes than Capsule's preview1.
 */
const replaceableFunctions: Readonly<Record<string, AdapterFunction>> = {
  args_get: preview1("ii", `${environment} get-arguments`),
  args_sizes_get: preview1("ii", `${environment} get-arguments`),
  environ_get: preview1("ii", `${environment} get-environment`),
  environ_sizes_get: preview1("ii", `${environment} get-environment`),
  clock_time_get: preview1("iIi", "wasi:clocks/monotonic-clock now", "wasi:clocks/wall-clock now"),
  fd_close: preview1("i", preopens),
  fd_fdstat_get: preview1("ii", preopens),
  fd_prestat_get: preview1("ii", preopens),
  fd_prestat_dir_name: preview1("iii", preopens),
  fd_seek: preview1("iIii", preopens),
  fd_write: preview1("iiii", preopens, `${streams} [method]output-stream.write`),
  proc_exit: { type: { params: ["i32"], results: [] }, needs: ["wasi:cli/exit exit"] },
  sched_yield: preview1(""),
  random_get: preview1("ii", "wasi:random/random get-random-bytes"),
};

/** Exports of an adapter with which the host allocates results: only the host calls them. */
export const entryPoints: ReadonlySet<string> = new Set(["cabi_import_realloc"]);
/** The type of each entry point. */
export const entryPointType: CoreFuncType = {
  params: ["i32", "i32", "i32", "i32"],
  results: ["i32"],
};

/** Functions of the main module with which an adapter allocates its state. */
export const mainAllocators: ReadonlySet<string> = new Set([
  "cabi_realloc",
  "cabi_realloc_adapter",
]);

/** Returns a function of preview1, undefined if it is not one that can be replaced. */
export function replaceable(name: string): AdapterFunction | undefined {
  return Object.hasOwn(replaceableFunctions, name) ? replaceableFunctions[name] : undefined;
}

/**
 * The functions of WASI 0.2 that an adapter with these functions calls, by interface. A resource
 * that has none is dropped.
 */
export const adapterImports: Readonly<Record<string, readonly string[]>> = {
  [environment]: ["get-arguments", "get-environment"],
  "wasi:cli/exit": ["exit"],
  "wasi:cli/stdin": ["get-stdin"],
  "wasi:cli/stdout": ["get-stdout"],
  "wasi:cli/stderr": ["get-stderr"],
  "wasi:cli/terminal-input": [],
  "wasi:cli/terminal-output": [],
  "wasi:cli/terminal-stdin": ["get-terminal-stdin"],
  "wasi:cli/terminal-stdout": ["get-terminal-stdout"],
  "wasi:cli/terminal-stderr": ["get-terminal-stderr"],
  "wasi:clocks/monotonic-clock": ["now"],
  "wasi:clocks/wall-clock": ["now"],
  "wasi:filesystem/preopens": ["get-directories"],
  "wasi:filesystem/types": [
    "[method]descriptor.append-via-stream",
    "[method]descriptor.get-flags",
    "[method]descriptor.get-type",
    "[method]descriptor.read-via-stream",
    "[method]descriptor.stat",
    "[method]descriptor.write-via-stream",
    "filesystem-error-code",
  ],
  "wasi:io/error": [],
  [streams]: [
    "[method]output-stream.blocking-flush",
    "[method]output-stream.blocking-write-and-flush",
    "[method]output-stream.check-write",
    "[method]output-stream.write",
  ],
  "wasi:random/random": ["get-random-bytes"],
};
