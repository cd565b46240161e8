import { CouchbaseDouble } from "../../tests/testing/couchbase_double.ts";
import { isInstalled } from "../../tests/testing/is_installed.ts";
import { openKeyValueStore } from "../../src/store/open.ts";
import { keyValueSettings } from "../../src/store/settings.ts";
import { env, modules, startOursWith } from "./contenders.ts";
import { type ServerProcess, startServer } from "./processes.ts";

/** Redis, an embedded store and a Couchbase double, filled for the module `stores`. */
export class BackingServices implements AsyncDisposable {
  readonly redisPort: number;
  readonly #folder: string;
  readonly #couchbase: CouchbaseDouble;
  #stack = new AsyncDisposableStack();

  private constructor(folder: string, redis: ServerProcess, couchbase: CouchbaseDouble) {
    this.redisPort = redis.port;
    this.#folder = folder;
    this.#couchbase = couchbase;
  }

  /** The value of the key `greetings`. */
  static readonly greeting = "Hello World 👋";

  /** Starts them. Returns undefined if `redis-server` is missing. */
  static async start(): Promise<BackingServices | undefined> {
    await using stack = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "capsule-bench-" });
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    if (!await isInstalled("redis-server")) return undefined;
    const redis = stack.use(
      await startServer((port) => [
        ...["redis-server", "--port", `${port}`, "--bind", "127.0.0.1"],
        ...["--save", "", "--dir", folder],
      ]),
    );
    const couchbase = stack.use(
      new CouchbaseDouble({ user: "admin", password: "secret", bucket: "wasm-data" }),
    );
    const services = new BackingServices(folder, redis, couchbase);
    for (const variables of [services.#variables("redis"), services.#variables("embedded")]) {
      const store = openKeyValueStore(
        keyValueSettings(
          { get: (name) => variables[name], toObject: () => variables },
          services.#data,
        ),
      );
      await store.set(encode("greetings"), encode(BackingServices.greeting), { timeoutMs: 10_000 });
      await store.close();
    }
    services.#stack = stack.move();
    return services;
  }

  get #data(): string {
    return `${this.#folder}/.capsule`;
  }

  #variables(store: "redis" | "embedded"): Record<string, string> {
    return {
      ...env,
      REDIS_ADDR: store === "redis" ? `127.0.0.1:${this.redisPort}` : "",
      COUCHBASE_CLUSTER: this.#couchbase.connectionString,
      COUCHBASE_USER: "admin",
      COUCHBASE_PWD: "secret",
      COUCHBASE_BUCKET: "wasm-data",
    };
  }

  /** Starts this launcher on one thread with a function that imports all stores by default. */
  startOurs(store: "redis" | "embedded", module: string = modules.stores): Promise<ServerProcess> {
    return startOursWith(this.#variables(store), module, `-data=${this.#data}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
