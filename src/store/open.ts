import type { CallLimit, KeyValueStore } from "./key_value.ts";
import type { QueryService } from "./query.ts";
import { type CouchbaseSettings, describeKeyValue, type KeyValueSettings } from "./settings.ts";

/**
 * The store that the settings describe. Its client is loaded and its connection made by the first call: a function that
 * never asks pays for neither.
 */
export function openKeyValueStore(settings: KeyValueSettings): KeyValueStore {
  return new LateStore(settings);
}

class LateStore implements KeyValueStore {
  readonly description: string;
  readonly #settings: KeyValueSettings;
  #loading: Promise<KeyValueStore> | undefined;
  #loaded: KeyValueStore | undefined;

  constructor(settings: KeyValueSettings) {
    this.#settings = settings;
    this.description = describeKeyValue(settings);
  }

  get(key: Uint8Array, limit: CallLimit): Promise<Uint8Array | null> {
    return this.#ask((store) => store.get(key, limit));
  }

  set(key: Uint8Array, value: Uint8Array, limit: CallLimit): Promise<void> {
    return this.#ask((store) => store.set(key, value, limit));
  }

  delete(key: Uint8Array, limit: CallLimit): Promise<boolean> {
    return this.#ask((store) => store.delete(key, limit));
  }

  keys(pattern: Uint8Array, limit: CallLimit): Promise<Uint8Array[]> {
    return this.#ask((store) => store.keys(pattern, limit));
  }

  increment(key: Uint8Array, limit: CallLimit): Promise<bigint> {
    return this.#ask((store) => store.increment(key, limit));
  }

  expire(key: Uint8Array, seconds: bigint, limit: CallLimit): Promise<boolean> {
    return this.#ask((store) => store.expire(key, seconds, limit));
  }

  async close(): Promise<void> {
    await (await this.#loading)?.close();
  }

  /** Once it is loaded, without a promise of its own: each costs every call. */
  #ask<T>(command: (store: KeyValueStore) => Promise<T>): Promise<T> {
    if (this.#loaded) return command(this.#loaded);
    this.#loading ??= load(this.#settings).then((store) => this.#loaded = store);
    return this.#loading.then(command);
  }
}

async function load(settings: KeyValueSettings): Promise<KeyValueStore> {
  if (settings.kind === "redis") {
    const { RedisStore } = await import("./redis.ts");
    return new RedisStore(settings);
  }
  const { EmbeddedStore } = await import("./sqlite.ts");
  return new EmbeddedStore(settings);
}

/** The Couchbase cluster of the settings; the client, which is native code, is loaded by the first query. */
export function openQueryService(settings: CouchbaseSettings): QueryService {
  let loading: Promise<QueryService> | undefined;
  return {
    description: settings.cluster,
    async query(statement, limit) {
      // A client that cannot be unpacked now, since the disk is full, is tried again.
      loading ??= loadCouchbase(settings).catch((error) => {
        loading = undefined;
        throw error;
      });
      return (await loading).query(statement, limit);
    },
    async close() {
      await (await loading)?.close();
    },
  };
}

async function loadCouchbase(settings: CouchbaseSettings): Promise<QueryService> {
  const { withNativeAddon } = await import("./native_addon.ts");
  const { CouchbaseQueries } = await withNativeAddon(
    settings.cacheFolder,
    () => import("./couchbase.ts"),
  );
  return new CouchbaseQueries(settings);
}
