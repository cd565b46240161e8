import { UsageError } from "../base/errors.ts";
import type { Env } from "../base/io.ts";
import { userCacheFolder } from "../base/paths.ts";
import { type Address, type Login, parseAddresses } from "./addresses.ts";

/** Which key-value store is in use, and how to reach it. */
export type KeyValueSettings = RedisSettings | EmbeddedSettings;

/** A Redis server, or several that act as one. */
export interface RedisSettings {
  readonly kind: "redis";
  readonly mode: "single" | "cluster" | "sentinel";
  /** One server for `single`; those to begin with for `cluster`; the sentinels for `sentinel`. Never empty. */
  readonly addresses: readonly Address[];
  readonly tls: boolean;
  /** The file with the authority's certificates; the system's own authorities count when it is missing. */
  readonly caFile?: string;
  readonly login: Login;
  readonly database: number;
  /** What the sentinels call the master. */
  readonly masterName: string;
  readonly sentinelPassword?: string;
}

/** The store in the launcher's own data folder. */
export interface EmbeddedSettings {
  readonly kind: "embedded";
  /** As the user wrote it: `./.capsule`. */
  readonly folder: string;
}

/** A Couchbase cluster. */
export interface CouchbaseSettings {
  readonly cluster: string;
  readonly user: string;
  readonly password: string;
  readonly bucket: string;
  /** The file with the authority's certificate, for `couchbases://`. */
  readonly caFile?: string;
  /** Where the compiled program keeps the client's native code. */
  readonly cacheFolder?: string;
}

/**
 * The key-value store that the environment names: Redis if `REDIS_ADDR` is set and not empty, otherwise the embedded one in
 * `dataFolder`. `variables.ts` has the table of the variables.
 *
 * @throws UsageError when a variable is wrong. Its message names the variable and never a password.
 */
export function keyValueSettings(env: Env, dataFolder: string): KeyValueSettings {
  const read = (name: string) => env.get(name) || undefined;
  const address = read("REDIS_ADDR");
  if (!address) return { kind: "embedded", folder: dataFolder };

  const { addresses, tls, login, database } = parseAddresses(address);
  const mode = read("REDIS_MODE") ?? "single";
  if (mode !== "single" && mode !== "cluster" && mode !== "sentinel") {
    throw new UsageError(`REDIS_MODE is single, cluster or sentinel: got "${mode}"`);
  }
  if (mode === "single" && addresses.length > 1) {
    throw new UsageError(
      `REDIS_ADDR names ${addresses.length} servers, which needs REDIS_MODE=cluster or REDIS_MODE=sentinel`,
    );
  }
  const caFile = read("REDIS_CA");
  if (caFile && !tls) {
    throw new UsageError(
      "REDIS_CA is for an encrypted connection: REDIS_ADDR must begin with rediss://",
    );
  }
  const settings: RedisSettings = {
    kind: "redis",
    mode,
    addresses,
    tls,
    caFile,
    login: { user: login.user, password: login.password ?? read("REDIS_PWD") },
    database: database ?? parseDatabase(read("REDIS_DEFAULTDB")),
    masterName: read("REDIS_MASTER") ?? "mymaster",
    sentinelPassword: read("REDIS_SENTINEL_PWD"),
  };
  if (mode === "cluster" && settings.database !== 0) {
    throw new UsageError(`a Redis cluster has database 0 only: got ${settings.database}`);
  }
  return settings;
}

function parseDatabase(text = "0"): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new UsageError(`REDIS_DEFAULTDB is a number from 0 on: got "${text}"`);
  }
  return Number(text);
}

/**
 * The Couchbase cluster that the environment names, with the defaults of Capsule 0.1.3.
 *
 * @throws UsageError when `COUCHBASE_CLUSTER` is no connection string.
 */
export function couchbaseSettings(env: Env): CouchbaseSettings {
  const cluster = env.get("COUCHBASE_CLUSTER") || "couchbase://127.0.0.1";
  if (!/^couchbases?:\/\/[^\s@]+$/.test(cluster)) {
    const shown = cluster.includes("@")
      ? "one with a user in it (COUCHBASE_USER has its own variable)"
      : `"${cluster}"`;
    throw new UsageError(
      `COUCHBASE_CLUSTER is couchbase://host or couchbases://host: got ${shown}`,
    );
  }
  const cache = userCacheFolder(env);
  return {
    cluster,
    user: env.get("COUCHBASE_USER") || "admin",
    password: env.get("COUCHBASE_PWD") ?? "",
    bucket: env.get("COUCHBASE_BUCKET") || "wasm-data",
    caFile: env.get("COUCHBASE_CA") || undefined,
    cacheFolder: cache && `${cache}/native`,
  };
}

const passwords: ReadonlySet<string> = new Set([
  "REDIS_PWD",
  "REDIS_SENTINEL_PWD",
  "COUCHBASE_PWD",
]);

/**
 * Whether an environment variable of the launcher holds a password of a store, which a guest must not read. `REDIS_ADDR`
 * and `COUCHBASE_CLUSTER` do when their URL has one.
 */
export function carriesPassword(name: string, value: string): boolean {
  return passwords.has(name) ||
    ((name === "REDIS_ADDR" || name === "COUCHBASE_CLUSTER") && value.includes("@"));
}

/** What a person may see of the settings: `redis localhost:6379`, `./.capsule/data.db`. */
export function describeKeyValue(settings: KeyValueSettings): string {
  if (settings.kind === "embedded") return databasePath(settings);
  const servers = settings.addresses.map(({ host, port }) =>
    `${host.includes(":") ? `[${host}]` : host}:${port}`
  ).join(",");
  const named = {
    single: `redis ${servers}`,
    cluster: `redis cluster ${servers}`,
    sentinel: `redis ${settings.masterName} of sentinels ${servers}`,
  }[settings.mode];
  return named + (settings.database ? ` database ${settings.database}` : "") +
    (settings.tls ? " with TLS" : "");
}

/** The file of the embedded store. No guest may open it, nor the two beside it whose names begin with its own. */
export function databasePath({ folder }: EmbeddedSettings): string {
  return `${folder.replace(/(?<=.)\/+$/, "")}/data.db`;
}
