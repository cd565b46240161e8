import { Cluster, Redis, type RedisOptions } from "ioredis";
import { CapsuleError, messageOf } from "../base/errors.ts";
import { readText } from "../base/read_text.ts";
import { enforceResponseTimeout } from "./response_timeout.ts";
import { describeKeyValue, type RedisSettings } from "./settings.ts";

/** A client of one server or of a cluster. */
export type RedisClient = Redis | Cluster;

/** Timeouts of a connection, in milliseconds. */
export interface RedisTimeouts {
  /** For connecting, login included. */
  readonly connectMs: number;
  /** For silence while commands are pending; then the connection is closed and they fail. */
  readonly responseMs: number;
}

/**
 * The connection of a thread. It is opened on demand, also after it was lost.
 *
 * ioredis neither reconnects, nor queues commands while disconnected, nor repeats them: whether a
 * command may be repeated is the store's decision.
 */
export class RedisConnection {
  readonly #settings: RedisSettings;
  readonly #timeouts: RedisTimeouts;
  #client: RedisClient | undefined;
  readonly #retired = new Set<RedisClient>();
  #opening: Promise<RedisClient> | undefined;
  #lastError: string | undefined;
  #closed = false;

  constructor(settings: RedisSettings, timeouts: RedisTimeouts) {
    this.#settings = settings;
    this.#timeouts = timeouts;
  }

  /** The last error of the connection, in the words of the server or the system. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** The connection, if it is open. */
  get ready(): RedisClient | undefined {
    return this.#client?.status === "ready" ? this.#client : undefined;
  }

  /**
   * Opens the connection; concurrent calls share one attempt.
   *
   * @throws CapsuleError `STORE` in the words of the server or the system.
   */
  open(): Promise<RedisClient> {
    const ready = this.ready;
    if (ready) return Promise.resolve(ready);
    if (this.#closed) return Promise.reject(closedError());
    this.#opening ??= this.#open().finally(() => this.#opening = undefined);
    return this.#opening;
  }

  /** Closes the connection after its pending commands; the next `open` makes another. */
  retire(client: RedisClient): void {
    if (this.#detach(client)) client.quit().catch(() => destroy(client));
  }

  /** Closes a half-open connection immediately; the next `open` makes another. */
  drop(client: RedisClient): void {
    if (this.#detach(client)) destroy(client);
  }

  /** Detaches the current connection, but keeps it for `close` until it has ended. */
  #detach(client: RedisClient): boolean {
    if (this.#client !== client) return false;
    this.#client = undefined;
    if (client.status !== "end") {
      this.#retired.add(client);
      client.once("end", () => this.#retired.delete(client));
    }
    return true;
  }

  /** Closes all connections and waits until their sockets are closed. */
  async close(): Promise<void> {
    this.#closed = true;
    const open = [...this.#retired, ...(this.#client ? [this.#client] : [])].filter(({ status }) =>
      status !== "end"
    );
    this.#client = undefined;
    await Promise.all(open.map((client) => {
      const ended = new Promise<void>((resolve) => client.once("end", () => resolve()));
      destroy(client);
      return ended;
    }));
    await this.#opening?.catch(() => {});
  }

  async #open(): Promise<RedisClient> {
    const client = await this.#create();
    if (this.#closed) throw closedError();
    this.#client = client;
    this.#lastError = undefined;
    let cause: Error | undefined;
    const note = (error: Error) => {
      cause ??= error;
      this.#lastError = this.#describeError(error);
    };
    client.on("error", note);
    // A cluster emits the errors of its nodes here.
    client.on("node error", note);
    const timer = setTimeout(() => {
      note(new Error(`no response within ${this.#timeouts.connectMs} ms`));
      destroy(client);
    }, this.#timeouts.connectMs);
    try {
      await client.connect();
    } catch (error) {
      throw new CapsuleError("STORE", this.#describeError(cause ?? error), { cause });
    } finally {
      clearTimeout(timer);
    }
    client.once("end", enforceResponseTimeout(client, this.#timeouts.responseMs));
    // If the server refuses SELECT, ioredis stays in database 0: writes would go to the wrong one.
    if (cause && client instanceof Redis) {
      this.drop(client);
      throw new CapsuleError("STORE", this.#describeError(cause), { cause });
    }
    return client;
  }

  #describeError(error: unknown): string {
    // A name with several addresses fails with one error for each of them.
    if (error instanceof AggregateError && error.errors.length > 0) {
      return [...new Set(error.errors.map((one) => this.#describeError(one)))].join(", ");
    }
    const { lastNodeError } = error as { lastNodeError?: Error };
    const message = messageOf(lastNodeError ?? error);
    // ioredis' message for a cluster whose nodes refuse connections.
    return message === "Connection is closed."
      ? `${describeKeyValue(this.#settings)} cannot be reached`
      : message;
  }

  async #create(): Promise<RedisClient> {
    const { mode, addresses, tls, caFile, login, database, masterName, sentinelPassword } =
      this.#settings;
    const ca = caFile === undefined ? undefined : await readAuthority(caFile);
    const common: RedisOptions = {
      lazyConnect: true,
      // RESP2 suffices, and reports NOAUTH as the reply to the command itself.
      protocol: 2,
      username: login.user,
      password: login.password,
      db: database,
      disableClientInfo: true,
      // Without the check, a server that is loading replies `LOADING …` immediately.
      enableReadyCheck: false,
      autoResendUnfulfilledCommands: false,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      connectTimeout: this.#timeouts.connectMs,
      disconnectTimeout: 0,
      ...(tls ? { tls: ca === undefined ? {} : { ca } } : {}),
    };
    if (mode === "cluster") {
      return new Cluster(addresses.map((address) => ({ ...address })), {
        lazyConnect: true,
        redisOptions: common,
        enableReadyCheck: false,
        clusterRetryStrategy: () => null,
        // A command that was pending when its node failed may have been executed: no repeat.
        retryDelayOnFailover: 0,
        slotsRefreshTimeout: this.#timeouts.connectMs,
        // TLS verifies the name that the user wrote, so it must not be resolved beforehand.
        ...(tls ? { dnsLookup: (host, found) => found(null, host) } : {}),
      });
    }
    // Numbers as text: a counter above 2⁵³ keeps its digits. A cluster needs numbers for its slots.
    const exact: RedisOptions = { ...common, stringNumbers: true, enableOfflineQueue: false };
    if (mode === "sentinel") {
      return new Redis({
        ...exact,
        sentinels: addresses.map((address) => ({ ...address })),
        name: masterName,
        sentinelPassword,
        sentinelRetryStrategy: () => null,
        sentinelCommandTimeout: this.#timeouts.connectMs,
        enableTLSForSentinelMode: tls,
        ...(tls ? { sentinelTLS: ca === undefined ? {} : { ca } } : {}),
      });
    }
    const [address] = addresses;
    return new Redis({ ...exact, ...address });
  }
}

async function readAuthority(path: string): Promise<string> {
  try {
    return await readText(path);
  } catch (error) {
    throw new CapsuleError(
      "STORE",
      `cannot read the certificates that REDIS_CA names: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

function closedError(): CapsuleError {
  return new CapsuleError("STORE", "the connection to Redis is closed");
}

/** Closes a client and its sockets; `disconnect` alone waits for the server. */
function destroy(client: RedisClient): void {
  const nodes = client instanceof Redis ? [client] : client.nodes();
  client.disconnect();
  for (const node of nodes) (node as Partial<Redis>).stream?.destroy();
}
