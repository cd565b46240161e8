import { UsageError } from "../base/errors.ts";
import { type Env, userCacheFolder } from "../base/io.ts";
import { type Address, type Login, parseAddresses } from "./addresses.ts";

/** Settings of the key-value store. */
export type KeyValueSettings = RedisSettings | EmbeddedSettings;

/** A Redis server, cluster or sentinel deployment. */
export interface RedisSettings {
  readonly kind: "redis";
  readonly mode: "single" | "cluster" | "sentinel";
  /** The server, the seed nodes of the cluster, or the sentinels. Never empty. */
  readonly addresses: readonly Address[];
  readonly tls: boolean;
  /** A PEM file with certificate authorities. Default: the system's. */
  readonly caFile?: string;
  readonly login: Login;
  readonly database: number;
  /** The master's name in the sentinels' configuration. */
  readonly masterName: string;
  readonly sentinelPassword?: string;
}

/** The embedded store in the launcher's data folder. */
export interface EmbeddedSettings {
  readonly kind: "embedded";
  /** The folder as the user wrote it, such as `./.capsule`. */
  readonly folder: string;
}

/** A Couchbase cluster. */
export interface CouchbaseSettings {
  readonly cluster: string;
  readonly user: string;
  readonly password: string;
  readonly bucket: string;
  /** A PEM file with the certificate authority, for `couchbases://`. */
  readonly caFile?: string;
  /** The folder in which the compiled program caches the client's native code. */
  readonly cacheFolder?: string;
}

/**
 * Reads the settings of the key-value store: Redis if `REDIS_ADDR` is not empty, otherwise the
 * embedded store in `dataFolder`. `variables.ts` lists the variables.
 *
 * @throws UsageError that names the invalid variable and never contains a password.
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
    throw new UsageError(`REDIS_DEFAULTDB is a number, 0 or greater: got "${text}"`);
  }
  return Number(text);
}

/**
 * Reads the settings of the Couchbase cluster, with the defaults of Capsule 0.1.3.
 *
 * @throws UsageError if `COUCHBASE_CLUSTER` is not a connection string.
 */
export function couchbaseSettings(env: Env): CouchbaseSettings {
  const cluster = env.get("COUCHBASE_CLUSTER") || "couchbase://127.0.0.1";
  if (!/^couchbases?:\/\/[^\s@]+$/.test(cluster)) {
    const shown = cluster.includes("@")
      ? "a value with a user, which belongs in COUCHBASE_USER"
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
 * Reports whether an environment variable contains a password of a store, which a guest must not
 * read. `REDIS_ADDR` and `COUCHBASE_CLUSTER` may have one in their URL.
 */
export function carriesPassword(name: string, value: string): boolean {
  return passwords.has(name) ||
    ((name === "REDIS_ADDR" || name === "COUCHBASE_CLUSTER") && value.includes("@"));
}

/** Describes the settings without a password: `redis localhost:6379`, `./.capsule/data.db`. */
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

/**
 * Returns the path of the embedded store's file. Guests may open neither it nor the two log files
 * whose names start with it.
 */
export function databasePath({ folder }: EmbeddedSettings): string {
  return `${folder.replace(/(?<=.)\/+$/, "")}/data.db`;
}
