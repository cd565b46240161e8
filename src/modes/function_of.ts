import { resolve } from "node:path";
import type { Io } from "../base/io.ts";
import type { ModeOptions } from "../cli/flags.ts";
import { CapsuleFunction } from "../function/function.ts";
import { handlerExport, loadModule } from "../function/load.ts";
import { createGuestFiles } from "../files/guest_files.ts";
import { environmentFunctions, isLauncherSecret } from "../host/env.ts";
import { fileFunctions } from "../host/files.ts";
import { type HostInformation, informationFunctions } from "../host/info.ts";
import { logFunctions } from "../host/log.ts";
import type { OutputSinks } from "../wasm/guest_output.ts";
import type { WasiOptions } from "../wasi/wasi.ts";
import type { World } from "./modes.ts";

/** The options that say what a function is and what it may reach: those that cli and http share. */
type RunnerOptions = ModeOptions<"cli"> | ModeOptions<"http">;

/** What the mode decides about the function that it runs. */
export interface FunctionPlan {
  readonly mode: "cli" | "http";
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The module as the user named it. */
  readonly name: string;
  readonly information: HostInformation;
  readonly sinks: OutputSinks;
  readonly stdin: WasiOptions["stdin"];
  readonly reuse: boolean;
  readonly maxInstances: number;
  readonly maxQueue: number;
}

/** Makes the function that the options describe ready to be called. */
export async function startFunction(
  options: RunnerOptions,
  world: World,
  plan: FunctionPlan,
): Promise<CapsuleFunction> {
  const { mode, name, information, sinks, stdin, reuse, maxInstances, maxQueue } = plan;
  const { io, log } = world;
  const once = mode === "cli";
  const { blueprint } = await loadModule(plan.bytes, {
    name,
    mode,
    maxMemoryBytes: options.maxMemory,
    steps: options.timeout > 0 || !once,
    manyCalls: !once,
    reuse,
    warn: (sentence) => log.warn(sentence),
  });
  const ownFiles = launcherFiles(options, io);
  const files = createGuestFiles({
    cwd: io.cwd(),
    dirs: options.dir,
    allowRead: options.allowRead,
    allowWrite: options.allowWrite,
    ownFiles,
    sandbox: options.sandbox,
  });
  return await CapsuleFunction.start(blueprint, {
    name,
    handler: handlerExport[mode],
    limits: { sliceMs: once ? 0 : options.slice, timeoutMs: options.timeout },
    maxInstances,
    maxQueue,
    sinks,
    alwaysWaits: once,
    wasi: {
      args: [name],
      env: guestEnvironment(options.env, world),
      preopens: options.sandbox ? [] : options.dir,
      ownFiles,
      stdin,
    },
    families: [
      logFunctions,
      environmentFunctions({
        get: (variable) => io.env.get(variable),
        allowEnv: options.allowEnv,
        sandbox: options.sandbox,
      }),
      fileFunctions(files),
      informationFunctions(information),
    ],
  });
}

/** Files of the launcher itself, which no guest reaches wherever they lie. */
function launcherFiles(options: RunnerOptions, io: Io): string[] {
  const named = [
    options.wasm,
    options.data,
    "crt" in options ? options.crt : undefined,
    "key" in options ? options.key : undefined,
  ];
  return named.filter((path) => path !== undefined).map((path) => resolve(io.cwd(), path));
}

/** The environment that WASI shows: exactly what `-env` names; a name alone takes the launcher's own value. */
function guestEnvironment(variables: RunnerOptions["env"], { io, log }: World): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const { name, value } of variables) {
    const given = value ?? io.env.get(name);
    if (given === undefined) log.warn(`-env=${name} is left out: the launcher has no variable of that name`);
    else if (value === undefined && isLauncherSecret(name, given)) {
      log.warn(`-env=${name} is left out: it belongs to the launcher itself`);
    } else environment[name] = given;
  }
  return environment;
}
