import { absolutePath } from "../base/paths.ts";
import type { Io } from "../base/io.ts";
import type { ModeOptions } from "../cli/flags.ts";
import { CapsuleFunction } from "../function/function.ts";
import { handlerExport, loadModule } from "../function/load.ts";
import { createGuestFiles } from "../files/guest_files.ts";
import { environmentFunctions, isLauncherSecret } from "../host/env.ts";
import { couchbaseFunctions } from "../host/couchbase.ts";
import type { HostFamily } from "../host/host_function.ts";
import { fileFunctions } from "../host/files.ts";
import { httpFunctions } from "../host/http.ts";
import { type HostInformation, informationFunctions } from "../host/info.ts";
import { logFunctions } from "../host/log.ts";
import type { HttpClient } from "../host/outbound/http_client.ts";
import { moreRedisFunctions, redisFunctions } from "../host/redis.ts";
import { openKeyValueStore, openQueryService } from "../store/open.ts";
import { couchbaseSettings, databasePath, keyValueSettings } from "../store/settings.ts";
import { sourcePath } from "../source/source_path.ts";
import type { Blueprint } from "../wasm/instance.ts";
import type { OutputSinks } from "../wasm/guest_output.ts";
import type { WasiOptions } from "../wasi/wasi.ts";
import type { World } from "./modes.ts";
import type { NamedModule } from "./module_bytes.ts";

/** The options that say what a function is and what it may reach: those that cli and http share. */
type RunnerOptions = ModeOptions<"cli"> | ModeOptions<"http">;

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
  const { io } = world;
  const once = mode === "cli";
  const ownFiles = launcherFiles(options, io);
  const files = createGuestFiles({
    cwd: io.cwd(),
    dirs: options.dir,
    allowRead: options.allowRead,
    allowWrite: options.allowWrite,
    ownFiles,
    sandbox: options.sandbox,
  });
  const client = lateClient(options);
  const services = backingServices(blueprint.module, options, world);
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
        variables: io.env.toObject(),
        allowEnv: options.allowEnv,
        sandbox: options.sandbox,
      }),
      fileFunctions(files),
      informationFunctions(information),
      httpFunctions({ client: client.get, sandbox: options.sandbox }),
      ...services.families,
    ],
  });
  return {
    called,
    async close() {
      called.close();
      files.close();
      await Promise.all([client.close(), services.close()]);
    },
  };
}

/** The client behind `Http`, made when it is first used. What is wrong with `-allowNet` is said at the start. */
function lateClient(options: RunnerOptions) {
  const { allowNet } = options;
  let client: Promise<HttpClient> | undefined;
  const get = () =>
    client ??= import("../host/outbound/http_client.ts").then(({ createHttpClient }) =>
      createHttpClient({ allowNet, timeoutMs: options.httpTimeout, maxResponseBytes: options.maxResponse })
    );
  return { get, close: async () => await (await client)?.close() };
}

/** The stores that a module asks for; one that it never imports is neither configured nor loaded. */
function backingServices(module: WebAssembly.Module, { data, sandbox }: RunnerOptions, { io, log }: World) {
  const families: HostFamily[] = [];
  const open: { close(): Promise<void> }[] = [];
  if (importsAny(module, /^(?:hostRedis|redis)/)) {
    const store = openKeyValueStore(keyValueSettings(io.env, data));
    log.info(`store: ${store.description}`);
    families.push(redisFunctions({ store, sandbox }), moreRedisFunctions({ store, sandbox }));
    open.push(store);
  }
  if (importsAny(module, /^hostCouchBase/)) {
    const queries = openQueryService(couchbaseSettings(io.env));
    families.push(couchbaseFunctions({ queries, sandbox }));
    open.push(queries);
  }
  return { families, close: async () => void await Promise.all(open.map((service) => service.close())) };
}

function importsAny(module: WebAssembly.Module, names: RegExp): boolean {
  return WebAssembly.Module.imports(module).some(({ name }) => names.test(name));
}

/** Files of the launcher itself, which no guest reaches wherever they lie. */
function launcherFiles(options: RunnerOptions, io: Io): string[] {
  const named = [
    options.wasm,
    options.wasm && sourcePath(options.wasm),
    options.data,
    ...databaseFiles(options.data),
    "crt" in options ? options.crt : undefined,
    "key" in options ? options.key : undefined,
  ];
  return named.filter((path) => path !== undefined).map((path) => absolutePath(path, io.cwd()));
}

/** The embedded store's file, and those that SQLite keeps beside it. */
function databaseFiles(folder: string): string[] {
  const path = databasePath({ kind: "embedded", folder });
  return [path, `${path}-wal`, `${path}-shm`, `${path}-journal`];
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
