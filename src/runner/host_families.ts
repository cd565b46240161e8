import type { Context } from "../base/context.ts";
import type { HostFamily } from "../host/host_function.ts";
import { logFunctions } from "../host/log.ts";
import type { HttpClient } from "../host/outbound/http_client.ts";
import type { RunnerOptions } from "./runner_options.ts";

/** Host functions, and what was opened for them. */
export interface OpenFamilies {
  readonly families: readonly HostFamily[];
  close(): Promise<void>;
}

interface Family {
  readonly functions: readonly HostFamily[];
  readonly close?: () => void | Promise<void>;
}

type OpenFamily = (options: RunnerOptions, context: Context) => Promise<Family>;

/** All families, by the prefixes of their functions' names. */
const families: readonly { readonly prefixes: readonly string[]; readonly open: OpenFamily }[] = [
  { prefixes: ["hostLogString"], open: log },
  { prefixes: ["hostGetEnv"], open: environment },
  { prefixes: ["hostReadFile", "hostWriteFile"], open: files },
  { prefixes: ["hostPing", "hostGetHostInformation"], open: information },
  { prefixes: ["hostHttp"], open: http },
  { prefixes: ["hostRedis", "redis"], open: keyValueStore },
  { prefixes: ["hostCouchBase"], open: queryService },
];

/** Opens the families of which the module imports a function; the others are not even loaded. */
export async function openHostFamilies(
  imported: readonly string[],
  options: RunnerOptions,
  context: Context,
): Promise<OpenFamilies> {
  const opened = await Promise.all(
    families.filter(({ prefixes }) => anyStartsWith(imported, prefixes))
      .map(({ open }) => open(options, context)),
  );
  return {
    families: opened.flatMap(({ functions }) => functions),
    close: async () => void await Promise.all(opened.map(({ close }) => close?.())),
  };
}

function anyStartsWith(names: readonly string[], prefixes: readonly string[]): boolean {
  return names.some((name) => prefixes.some((prefix) => name.startsWith(prefix)));
}

function log(): Promise<Family> {
  return Promise.resolve({ functions: [logFunctions] });
}

async function environment({ grants }: RunnerOptions, { io }: Context): Promise<Family> {
  const { environmentFunctions } = await import("../host/env.ts");
  const { allowEnv, sandbox } = grants;
  return { functions: [environmentFunctions({ variables: io.env.toObject(), allowEnv, sandbox })] };
}

async function files(options: RunnerOptions, { io }: Context): Promise<Family> {
  const [{ fileFunctions }, { grantedFiles }] = await Promise.all([
    import("../host/files.ts"),
    import("./granted_files.ts"),
  ]);
  const granted = grantedFiles(options, io);
  return { functions: [fileFunctions(granted)], close: granted.close };
}

async function information({ information }: RunnerOptions): Promise<Family> {
  return { functions: [(await import("../host/info.ts")).informationFunctions(information)] };
}

async function http({ grants, limits }: RunnerOptions, { io }: Context): Promise<Family> {
  const { allowNet, sandbox, httpProxy } = grants;
  const { httpTimeoutMs: timeoutMs, maxResponseBytes } = limits;
  const [{ httpFunctions }, { trustedAuthorities }] = await Promise.all([
    import("../host/http.ts"),
    import("../base/authorities.ts"),
  ]);
  const ca = trustedAuthorities();
  // Invalid proxies fail at the start, as an invalid -allowNet does.
  const proxies = httpProxy && !sandbox
    ? (await import("../base/proxies.ts")).proxiesFromEnvironment(io.env)
    : undefined;
  let made: Promise<HttpClient> | undefined;
  const client = () =>
    made ??= import("../host/outbound/http_client.ts").then(({ createHttpClient }) =>
      createHttpClient({ allowNet, timeoutMs, maxResponseBytes, ca, proxies })
    );
  // An invalid -allowNet fails at the start; without one the client waits for its first use.
  if (allowNet) await client();
  return {
    functions: [httpFunctions({ client, sandbox })],
    close: async () => await (await made)?.close(),
  };
}

async function keyValueStore(
  { dataFolder, grants: { sandbox } }: RunnerOptions,
  { io, log }: Context,
): Promise<Family> {
  const [{ extendedRedisFunctions, redisFunctions }, { keyValueSettings }, { openKeyValueStore }] =
    await Promise.all([
      import("../host/redis.ts"),
      import("../store/settings.ts"),
      import("../store/open.ts"),
    ]);
  const store = openKeyValueStore(keyValueSettings(io.env, dataFolder));
  log.info(`store: ${store.description}`);
  return {
    functions: [redisFunctions({ store, sandbox }), extendedRedisFunctions({ store, sandbox })],
    close: () => store.close(),
  };
}

async function queryService(
  { grants: { sandbox } }: RunnerOptions,
  { io }: Context,
): Promise<Family> {
  const [{ couchbaseFunctions }, { couchbaseSettings }, { openQueryService }] = await Promise.all([
    import("../host/couchbase.ts"),
    import("../store/settings.ts"),
    import("../store/open.ts"),
  ]);
  const queries = openQueryService(couchbaseSettings(io.env));
  return { functions: [couchbaseFunctions({ queries, sandbox })], close: () => queries.close() };
}
