import type { HostInformation } from "../host/info.ts";
import type { CallLimits } from "../wasm/call_clock.ts";
import type { OutputSinks } from "../wasm/guest_output.ts";
import type { Blueprint } from "../wasm/blueprint.ts";

/** A module to run, with its grants and limits. */
export interface RunnerOptions {
  readonly blueprint: Blueprint;
  /** The module as the user named it, for messages. */
  readonly name: string;
  readonly grants: Grants;
  readonly limits: RunnerLimits;
  /** The folder of the embedded key-value store. */
  readonly dataFolder: string;
  /** Facts about the server for the module; the server adds its port once it listens. */
  readonly information: HostInformation;
  readonly sinks: OutputSinks;
}

/** The files, variables and hosts that a module may use. */
export interface Grants {
  /** Folders beside the working directory, and the paths by which the guest names them. */
  readonly folders: readonly { readonly host: string; readonly guest: string }[];
  /** The environment of WASI; a variable without a value has that of the launcher. */
  readonly variables: readonly { readonly name: string; readonly value: string | undefined }[];
  /** The only paths that `ReadFile` opens; `undefined` for the default. */
  readonly allowRead: readonly string[] | undefined;
  /** The only paths that `WriteFile` opens; `undefined` for the default. */
  readonly allowWrite: readonly string[] | undefined;
  /** The only variables that `GetEnv` returns; `undefined` for all but the launcher's own. */
  readonly allowEnv: readonly string[] | undefined;
  /** The only hosts that `Http` calls; `undefined` for all. Sockets reach those, or none. */
  readonly allowNet: readonly string[] | undefined;
  /** The addresses that sockets listen on; `undefined` for none. */
  readonly allowListen: readonly string[] | undefined;
  /** Makes `Http` use the proxies of the launcher's environment. */
  readonly httpProxy: boolean;
  /** Grants nothing, whatever the other fields say. */
  readonly sandbox: boolean;
  /**
   * Absolute paths of the launcher's files, such as the module and the TLS key. No grant opens
   * them, the files kept beside them, or the data folder.
   */
  readonly ownFiles: readonly string[];
}

/** The limits of a module in time, memory and number of calls. */
export interface RunnerLimits extends CallLimits {
  /** The memory of one instance. */
  readonly maxMemoryBytes: number;
  /**
   * The memory of all instances, divided between threads; without `maxBytes` half of the machine's.
   * Undefined for a single call, which `maxMemoryBytes` limits.
   */
  readonly totalMemory?: { readonly maxBytes: number | undefined; readonly threads: number };
  /** Concurrent calls on one thread. */
  readonly maxInstances: number;
  /** Queued calls on one thread. */
  readonly maxQueue: number;
  /** The timeout of one request by `Http`; 0 for no limit. */
  readonly httpTimeoutMs: number;
  /** The size of one response to `Http`. */
  readonly maxResponseBytes: number;
}
