import type { CallLimit, KeyValueStore, QueryService, SwapResult, SwapValues } from "./services.ts";
import { type CouchbaseSettings, describeKeyValue, type KeyValueSettings } from "./settings.ts";

/**
 * Opens the store of the settings. The first call loads its client and connects, so a function
 * that never uses the store does not pay for it.
 */
export function openKeyValueStore(settings: KeyValueSettings): KeyValueStore {
  return new LazyStore(settings);
}

/** A store that is loaded by its first call. */
class LazyStore implements KeyValueStore {
  readonly description: string;
  readonly #settings: KeyValueSettings;
  #loading: Promise<KeyValueStore> | undefined;
  #loaded: KeyValueStore | undefined;

  constructor(settings: KeyValueSettings) {
    this.#settings = settings;
    this.description = describeKeyValue(settings);
  }

  get(key: Uint8Array, limit: CallLimit): Promise<Uint8Array | null> {
    return this.#use((store) => store.get(key, limit));
  }

  set(key: Uint8Array, value: Uint8Array, limit: CallLimit): Promise<void> {
    return this.#use((store) => store.set(key, value, limit));
  }

  swap(key: Uint8Array, values: SwapValues, limit: CallLimit): Promise<SwapResult> {
    return this.#use((store) => store.swap(key, values, limit));
  }

  delete(key: Uint8Array, limit: CallLimit): Promise<boolean> {
    return this.#use((store) => store.delete(key, limit));
  }

  keys(pattern: Uint8Array, limit: CallLimit): Promise<Uint8Array[]> {
    return this.#use((store) => store.keys(pattern, limit));
  }

  increment(key: Uint8Array, by: bigint, limit: CallLimit): Promise<bigint> {
    return this.#use((store) => store.increment(key, by, limit));
  }

  expire(key: Uint8Array, seconds: bigint, limit: CallLimit): Promise<boolean> {
    return this.#use((store) => store.expire(key, seconds, limit));
  }

  async close(): Promise<void> {
    await (await this.#loading)?.close();
  }

  /** Hot path: no promise of its own once the store is loaded (bench: `store`). */
  #use<T>(command: (store: KeyValueStore) => Promise<T>): Promise<T> {
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

/** Opens the Couchbase cluster of the settings. The first query loads the native client. */
export function openQueryService(settings: CouchbaseSettings): QueryService {
  let loading: Promise<QueryService> | undefined;
  return {
    description: settings.cluster,
    async query(statement, limit) {
      // A failed load is retried by the next query: the disk may have been full.
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
