import type { ModeOptions } from "../cli/flags.ts";
import { CapsuleFunction } from "../function/function.ts";
import { handlerExport, loadModule } from "../function/load.ts";
import type { HostInformation } from "../host/info.ts";
import type { Blueprint } from "../wasm/instance.ts";
import type { OutputSinks } from "../wasm/guest_output.ts";
import type { WasiOptions } from "../wasi/wasi.ts";
import { hostFamilies } from "./host_families.ts";
import type { World } from "./modes.ts";
import type { NamedModule } from "./module_bytes.ts";

/** The options that say what a function is and what it may reach: those that cli and http share. */
export type RunnerOptions = ModeOptions<"cli"> | ModeOptions<"http">;

/** What the mode decides about the function that it runs. */
export interface FunctionPlan {
  readonly mode: "cli" | "http";
  readonly blueprint: Blueprint;
  /** The module as the user named it. */
  readonly name: string;
  readonly information: HostInformation;
  readonly sinks: OutputSinks;
  readonly stdin: WasiOptions["stdin"];
  readonly maxInstances: number;
  readonly maxQueue: number;
}

/** A function that runs, and everything that was opened for it. */
export interface RunningFunction {
  readonly called: CapsuleFunction;
  /** Frees all of it. */
  close(): Promise<void>;
}

/** Prepares and compiles a module as the options say; what comes of it may be posted to other threads. */
export async function loadFunction(
  options: RunnerOptions,
  { log }: World,
  { mode, name, bytes }: NamedModule & { mode: "cli" | "http" },
): Promise<Blueprint> {
  const manyCalls = mode === "http";
  return await loadModule(bytes, {
    name,
    mode,
    maxMemoryBytes: options.maxMemory,
    steps: options.timeout > 0 || manyCalls,
    manyCalls,
    reuse: "reuse" in options && options.reuse,
    warn: (sentence) => log.warn(sentence),
  });
}

/** Makes the function that the options describe ready to be called. */
export async function startFunction(
  options: RunnerOptions,
  world: World,
  plan: FunctionPlan,
): Promise<RunningFunction> {
  const { mode, blueprint, name, information, sinks, stdin, maxInstances, maxQueue } = plan;
  const once = mode === "cli";
  const env = await guestEnvironment(options.env, world);
  const preopens = options.sandbox || options.dir.length === 0
    ? []
    : (await import("./granted_files.ts")).grantedFolders(options, world.io);
  const host = await hostFamilies(blueprint.module, { options, world, information });
  const called = await CapsuleFunction.start(blueprint, {
    name,
    handler: handlerExport[mode],
    limits: { sliceMs: once ? 0 : options.slice, timeoutMs: options.timeout },
    maxInstances,
    maxQueue,
    // The first timer of a process costs it 5 ms.
    idleMs: once ? Infinity : undefined,
    sinks,
    alwaysWaits: once,
    wasi: { args: [name], env, preopens, stdin },
    families: host.families,
  });
  return {
    called,
    async close() {
      called.close();
      await host.close();
    },
  };
}

/** The environment that WASI shows: exactly what `-env` names; a name alone takes the launcher's own value. */
async function guestEnvironment(
  variables: RunnerOptions["env"],
  { io, log }: World,
): Promise<Record<string, string>> {
  const environment: Record<string, string> = {};
  if (variables.length === 0) return environment;
  const { isLauncherSecret } = await import("../host/env.ts");
  for (const { name, value } of variables) {
    const given = value ?? io.env.get(name);
    if (given === undefined) log.warn(`-env=${name} is left out: the launcher has no variable of that name`);
    else if (value === undefined && isLauncherSecret(name, given)) {
      log.warn(`-env=${name} is left out: it belongs to the launcher itself`);
    } else environment[name] = given;
  }
  return environment;
}
