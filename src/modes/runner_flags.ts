import { absolutePath, type Io } from "../base/io.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import type { Grants, RunnerLimits } from "../runner/runner_options.ts";

/** The options of a mode that runs a module in this process. */
export type RunnerFlags = ModeOptions<"cli"> | ModeOptions<"http">;

/** Returns the grants that the flags set. */
export function grantsOf(options: RunnerFlags, io: Pick<Io, "cwd">): Grants {
  const { allowRead, allowWrite, allowEnv, allowNet, allowListen, sandbox } = options;
  return {
    folders: options.dir,
    variables: options.env,
    allowRead,
    allowWrite,
    allowEnv,
    allowNet,
    allowListen,
    httpProxy: options.httpProxy === "env",
    sandbox,
    ownFiles: [
      options.wasm?.path,
      ...options.wasm?.middleware ?? [],
      options.ca,
      "crt" in options ? options.crt : undefined,
      "key" in options ? options.key : undefined,
    ].filter((path) => path !== undefined).map((path) => absolutePath(path, io)),
  };
}

/** Returns the limits that the flags set. */
export function limitsOf(options: RunnerFlags): RunnerLimits {
  return {
    maxMemoryBytes: options.maxMemory,
    timeoutMs: options.timeout,
    sliceMs: options.slice,
    httpTimeoutMs: options.httpTimeout,
    maxResponseBytes: options.maxResponse,
    ..."maxInstances" in options
      ? {
        maxInstances: options.maxInstances,
        maxQueue: options.maxQueue,
        totalMemory: { maxBytes: options.maxTotalMemory, threads: options.threads },
      }
      : { maxInstances: 1, maxQueue: 0 },
  };
}
