/** An environment variable that configures a store. */
export interface StoreVariable {
  readonly default?: string;
  /** A description for help and documents. */
  readonly about: string;
}

/** The environment variables of the stores, by name; `settings.ts` reads them. */
export const storeVariables: Readonly<Record<string, StoreVariable>> = {
  REDIS_ADDR: {
    about:
      "The Redis server: host:port, a redis:// or rediss:// URL, or a list of them with commas. " +
      "Without it, keys are kept in an embedded store in -data.",
  },
  REDIS_PWD: { about: "The password of the Redis server." },
  REDIS_DEFAULTDB: { default: "0", about: "The number of the Redis database." },
  REDIS_MODE: {
    default: "single",
    about: "The kind of Redis deployment: single, cluster or sentinel.",
  },
  REDIS_MASTER: {
    default: "mymaster",
    about: "The name of the master in the configuration of the sentinels.",
  },
  REDIS_SENTINEL_PWD: { about: "The password of the sentinels." },
  REDIS_CA: { about: "A PEM file with the certificate authority of a rediss:// server." },
  COUCHBASE_CLUSTER: {
    default: "couchbase://127.0.0.1",
    about: "The Couchbase cluster: couchbase://host or couchbases://host.",
  },
  COUCHBASE_USER: { default: "admin", about: "The Couchbase user." },
  COUCHBASE_PWD: { about: "The password of the Couchbase user." },
  COUCHBASE_BUCKET: { default: "wasm-data", about: "The bucket that is opened first." },
  COUCHBASE_CA: {
    about: "A PEM file with the certificate authority of a couchbases:// cluster.",
  },
};
