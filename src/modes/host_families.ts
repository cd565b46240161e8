import type { HostFamily } from "../host/host_function.ts";
import { logFunctions } from "../host/log.ts";
import type { HostInformation } from "../host/info.ts";
import type { HttpClient } from "../host/outbound/http_client.ts";
import type { RunnerOptions } from "./function_of.ts";
import type { Context } from "../base/context.ts";

/** The host functions that a module is given, and what was opened for them. */
export interface HostSide {
  readonly families: readonly HostFamily[];
  close(): Promise<void>;
}

interface Family {
  readonly functions: readonly HostFamily[];
  readonly close?: () => void | Promise<void>;
}

/** What a family is made of. */
interface Given {
  readonly options: RunnerOptions;
  readonly context: Context;
  readonly information: HostInformation;
}

interface Maker {
  /** How the names of its functions begin. */
  readonly names: readonly string[];
  readonly make: (given: Given) => Promise<Family>;
}

/** Every family. Its names are no expressions: compiling those would cost each call from the command line 0.1 ms. */
const families: readonly Maker[] = [
  { names: ["hostLogString"], make: log },
  { names: ["hostGetEnv"], make: environment },
  { names: ["hostReadFile", "hostWriteFile"], make: files },
  { names: ["hostPing", "hostGetHostInformation"], make: information },
  { names: ["hostHttp"], make: http },
  { names: ["hostRedis", "redis"], make: keyValueStore },
  { names: ["hostCouchBase"], make: queryService },
];

/** The families of which the module imports a function; others are neither loaded nor configured nor opened. */
export async function hostFamilies(imported: readonly string[], given: Given): Promise<HostSide> {
  const making: Promise<Family>[] = [];
  for (const { names, make } of families) if (anyBegins(imported, names)) making.push(make(given));
  const made = await Promise.all(making);
  return {
    families: made.flatMap(({ functions }) => functions),
    close: async () => void await Promise.all(made.map(({ close }) => close?.())),
  };
}

function anyBegins(imported: readonly string[], beginnings: readonly string[]): boolean {
  for (const name of imported) {
    for (const beginning of beginnings) if (name.startsWith(beginning)) return true;
  }
  return false;
}

function log(): Promise<Family> {
  return Promise.resolve({ functions: [logFunctions] });
}

async function environment(
  { options: { allowEnv, sandbox }, context: { io } }: Given,
): Promise<Family> {
  const { environmentFunctions } = await import("../host/env.ts");
  return { functions: [environmentFunctions({ variables: io.env.toObject(), allowEnv, sandbox })] };
}

async function files({ options, context: { io } }: Given): Promise<Family> {
  const [{ fileFunctions }, { grantedFiles }] = await Promise.all([
    import("../host/files.ts"),
    import("./granted_files.ts"),
  ]);
  const granted = grantedFiles(options, io);
  return { functions: [fileFunctions(granted)], close: granted.close };
}

async function information({ information }: Given): Promise<Family> {
  return { functions: [(await import("../host/info.ts")).informationFunctions(information)] };
}

/** What is wrong with `-allowNet` is said at the start; without it, the client is made when it is first used. */
async function http({ options }: Given): Promise<Family> {
  const { allowNet, httpTimeout, maxResponse, sandbox } = options;
  const { httpFunctions } = await import("../host/http.ts");
  let made: Promise<HttpClient> | undefined;
  const client = () =>
    made ??= import("../host/outbound/http_client.ts").then(({ createHttpClient }) =>
      createHttpClient({ allowNet, timeoutMs: httpTimeout, maxResponseBytes: maxResponse })
    );
  if (allowNet) await client();
  return {
    functions: [httpFunctions({ client, sandbox })],
    close: async () => await (await made)?.close(),
  };
}

async function keyValueStore(
  { options: { data, sandbox }, context: { io, log } }: Given,
): Promise<Family> {
  const [{ moreRedisFunctions, redisFunctions }, { keyValueSettings }, { openKeyValueStore }] =
    await Promise
      .all([
        import("../host/redis.ts"),
        import("../store/settings.ts"),
        import("../store/open.ts"),
      ]);
  const store = openKeyValueStore(keyValueSettings(io.env, data));
  log.info(`store: ${store.description}`);
  return {
    functions: [redisFunctions({ store, sandbox }), moreRedisFunctions({ store, sandbox })],
    close: () => store.close(),
  };
}

async function queryService({ options: { sandbox }, context: { io } }: Given): Promise<Family> {
  const [{ couchbaseFunctions }, { couchbaseSettings }, { openQueryService }] = await Promise
    .all([
      import("../host/couchbase.ts"),
      import("../store/settings.ts"),
      import("../store/open.ts"),
    ]);
  const queries = openQueryService(couchbaseSettings(io.env));
  return { functions: [couchbaseFunctions({ queries, sandbox })], close: () => queries.close() };
}
