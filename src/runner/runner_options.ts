import type { HostInformation } from "../host/info.ts";
import type { CallLimits } from "../wasm/call_clock.ts";
import type { OutputSinks } from "../wasm/guest_output.ts";
import type { Blueprint } from "../wasm/instance.ts";

/** A module to run, with what it may reach and how much it may use. */
export interface RunnerOptions {
  readonly blueprint: Blueprint;
  /** The module as the user named it, for messages. */
  readonly name: string;
  readonly grants: Grants;
  readonly limits: RunnerLimits;
  /** The folder of the embedded key-value store. */
  readonly dataFolder: string;
  /** What the module learns about its server; a server fills in its port later. */
  readonly information: HostInformation;
  readonly sinks: OutputSinks;
}

/** What a module may reach. */
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
  /** The only hosts that `Http` calls; `undefined` for all. */
  readonly allowNet: readonly string[] | undefined;
  /** Grants nothing, whatever the other fields say. */
  readonly sandbox: boolean;
  /**
   * Absolute paths of the launcher's files, such as the module and the TLS key. No grant opens
   * them, nor what is kept beside them, nor the data folder.
   */
  readonly ownFiles: readonly string[];
}

/** How much a module may use. */
export interface RunnerLimits extends CallLimits {
  /** Of one instance. */
  readonly maxMemoryBytes: number;
  /** Calls at the same time on one thread. */
  readonly maxInstances: number;
  /** Calls that wait for an instance. */
  readonly maxQueue: number;
  /** Of one request of `Http`; 0 for no limit. */
  readonly httpTimeoutMs: number;
  /** Of one response to `Http`. */
  readonly maxResponseBytes: number;
}
