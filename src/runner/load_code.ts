import { CapsuleError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { loadModule, type LoadOptions } from "../function/load.ts";
import { isComponentHeader } from "../source/read_module.ts";
import type { Blueprint } from "../wasm/blueprint.ts";
import type { RunnerLimits } from "./runner_options.ts";

/** A module's bytes, and its name for messages. */
export interface NamedModule {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Components before it, the outermost first. Default: none. */
  readonly middleware?: readonly NamedModule[];
}

/** The calls that a module is prepared for. */
export interface BlueprintOptions {
  /** `cli` for one call from the command line, `http` for many by requests. */
  readonly mode: "cli" | "http";
  readonly limits: Pick<RunnerLimits, "maxMemoryBytes" | "timeoutMs">;
  /** Keeps the state of an instance from call to call. */
  readonly reuse: boolean;
  /** Runs a module whose limits cannot be enforced. Default: false, which refuses it. */
  readonly unlimited?: boolean;
  /** Runs a component's own adapter from preview1, or Capsule's. Default: `capsule`. */
  readonly adapter?: LoadOptions["adapter"];
}

/**
 * A module or a component to run. It can be posted to other threads: a component as its bytes,
 * which each thread loads for itself.
 */
export type LoadedCode =
  | { readonly kind: "module"; readonly blueprint: Blueprint }
  | {
    readonly kind: "component";
    readonly bytes: Uint8Array<ArrayBuffer>;
    readonly middleware: readonly NamedModule[];
    readonly options: Omit<LoadOptions, "warn">;
  };

/**
 * Loads a module, or recognizes a component by its bytes.
 *
 * @throws CapsuleError `LOAD`.
 */
export async function loadCode(
  module: NamedModule,
  options: BlueprintOptions,
  log: Log,
): Promise<LoadedCode> {
  const { middleware = [] } = module;
  const [outermost] = middleware;
  for (const { name, bytes } of outermost ? [...middleware, module] : []) {
    if (isComponentHeader(bytes)) continue;
    throw new CapsuleError(
      "LOAD",
      `${name}: a core module cannot be or have middleware; every -wasm must be a component`,
    );
  }
  if (!isComponentHeader(module.bytes)) {
    return { kind: "module", blueprint: await loadBlueprint(module, options, log) };
  }
  return {
    kind: "component",
    bytes: module.bytes,
    middleware,
    options: loadOptions(module.name, options),
  };
}

/**
 * Prepares and compiles a module. The blueprint can be posted to other threads.
 *
 * @throws CapsuleError `LOAD`.
 */
export async function loadBlueprint(
  { name, bytes }: NamedModule,
  options: BlueprintOptions,
  log: Log,
): Promise<Blueprint> {
  const warn = (sentence: string) => log.warn(sentence);
  return await loadModule(bytes, { ...loadOptions(name, options), warn });
}

/** Returns the options of the loader for a mode's calls. */
function loadOptions(
  name: string,
  { mode, limits, reuse, unlimited, adapter }: BlueprintOptions,
): Omit<LoadOptions, "warn"> {
  const manyCalls = mode === "http";
  return {
    name,
    mode,
    maxMemoryBytes: limits.maxMemoryBytes,
    steps: limits.timeoutMs > 0 || manyCalls,
    manyCalls,
    reuse,
    unlimited,
    adapter,
  };
}
