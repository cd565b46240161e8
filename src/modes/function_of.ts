import type { ModeOptions } from "../options/mode_options.ts";
import type { Command } from "../function/command.ts";
import type { CapsuleFunction } from "../function/function.ts";
import { loadModule } from "../function/load.ts";
import { handlerExport } from "../function/module_kind.ts";
import type { HostInformation } from "../host/info.ts";
import type { Blueprint } from "../wasm/instance.ts";
import type { OutputSinks } from "../wasm/guest_output.ts";
import { loadFamilies } from "../wasi/imports.ts";
import { hostFamilies } from "./host_families.ts";
import type { Context } from "../base/context.ts";
import type { NamedModule } from "./module_bytes.ts";

/** The options that say what a function is and what it may reach: those that cli and http share. */
export type RunnerOptions = ModeOptions<"cli"> | ModeOptions<"http">;

/** What the mode decides about the module that it runs. */
export interface Plan {
  readonly mode: "cli" | "http";
  readonly blueprint: Blueprint;
  /** The module as the user named it. */
  readonly name: string;
  readonly information: HostInformation;
  readonly sinks: OutputSinks;
  readonly maxInstances: number;
  readonly maxQueue: number;
}

/** What runs, and everything that was opened for it. */
export interface Running<Called> {
  readonly called: Called;
  /** Frees all of it. */
  close(): Promise<void>;
}

/** Prepares and compiles a module as the options say; what comes of it may be posted to other threads. */
export async function loadFunction(
  options: RunnerOptions,
  { log }: Context,
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

/** Makes the function that the options describe ready to be called by requests. */
export async function startFunction(
  options: RunnerOptions,
  context: Context,
  plan: Plan,
): Promise<Running<CapsuleFunction>> {
  const { wasi, close, ...shared } = await reach(options, context, plan);
  const { CapsuleFunction } = await import("../function/function.ts");
  const called = await CapsuleFunction.start(plan.blueprint, {
    ...shared,
    handler: handlerExport.http,
    wasi: { ...wasi, args: [plan.name], stdin: { kind: "empty" } },
  });
  return { called, close: closing(called, close) };
}

/** Makes the program that the options describe ready to be run, with these arguments after its name. */
export async function openCommand(
  options: RunnerOptions,
  context: Context,
  plan: Plan & { readonly args: readonly string[] },
): Promise<Running<Command>> {
  const { wasi, close, ...shared } = await reach(options, context, plan);
  const { Command } = await import("../function/command.ts");
  const name = plan.name.slice(plan.name.lastIndexOf("/") + 1);
  const called = Command.open(plan.blueprint, {
    ...shared,
    wasi: { ...wasi, args: [name, ...plan.args] },
  });
  return { called, close: closing(called, close) };
}

function closing(called: { close(): void }, close: () => Promise<void>): () => Promise<void> {
  return async () => {
    called.close();
    await close();
  };
}

/** What a module is given whatever it is: its limits, and what it may reach. */
export async function reach(options: RunnerOptions, context: Context, plan: Plan) {
  const { mode, blueprint, name, information, sinks, maxInstances, maxQueue } = plan;
  const env = options.env.length === 0 ? {} : await guestEnvironment(options.env, context);
  const preopens = options.sandbox || options.dir.length === 0
    ? []
    : (await import("./granted_files.ts")).grantedFolders(options, context.io);
  const names = WebAssembly.Module.imports(blueprint.module).map((wanted) => wanted.name);
  const host = await hostFamilies(names, { options, context, information });
  return {
    name,
    limits: { sliceMs: mode === "cli" ? 0 : options.slice, timeoutMs: options.timeout },
    maxInstances,
    maxQueue,
    sinks,
    families: host.families,
    wasi: { families: await loadFamilies(names), env, preopens },
    close: host.close,
  };
}

/** The environment that WASI shows: exactly what `-env` names; a name alone takes the launcher's own value. */
async function guestEnvironment(
  variables: RunnerOptions["env"],
  { io, log }: Context,
): Promise<Record<string, string>> {
  const environment: Record<string, string> = {};
  const { isLauncherSecret } = await import("../host/env.ts");
  for (const { name, value } of variables) {
    const given = value ?? io.env.get(name);
    if (given === undefined) {
      log.warn(`-env=${name} is left out: the launcher has no variable of that name`);
    } else if (value === undefined && isLauncherSecret(name, given)) {
      log.warn(`-env=${name} is left out: it belongs to the launcher itself`);
    } else environment[name] = given;
  }
  return environment;
}
