import { Cluster, Redis, type RedisOptions } from "ioredis";
import { CapsuleError, messageOf } from "../base/errors.ts";
import { readText } from "../base/read_text.ts";
import { describeKeyValue, type RedisSettings } from "./settings.ts";
import { watchSilence } from "./silence_watch.ts";
import { quickenStringMethods } from "./string_methods.ts";

quickenStringMethods();

/** What a store asks its commands of. */
export type RedisClient = Redis | Cluster;

/** How long opening a connection may take, login included, and how long a server may be silent while it owes an answer. */
export interface RedisPatience {
  /** Milliseconds. */
  readonly connectMs: number;
  /** Milliseconds. A server that says nothing for so long is given up together with everything that was asked of it. */
  readonly silentMs: number;
}

/**
 * The one connection of a thread. It is made when first asked for, and again when asked for after it was lost.
 *
 * ioredis is told never to connect by itself, never to queue while away, and never to send a command twice: whether a
 * command may be repeated depends on what it does, which the store knows.
 */
export class RedisConnection {
  readonly #settings: RedisSettings;
  readonly #patience: RedisPatience;
  #client: RedisClient | undefined;
  readonly #retired = new Set<RedisClient>();
  #opening: Promise<RedisClient> | undefined;
  /** What went wrong last on the wire, for whoever lost an answer by it. */
  #trouble: string | undefined;
  #closed = false;

  constructor(settings: RedisSettings, patience: RedisPatience) {
    this.#settings = settings;
    this.#patience = patience;
  }

  /** Why the connection was lost, or could not be made, last; the server's or the system's words. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** The connection if it stands. */
  get ready(): RedisClient | undefined {
    return this.#client?.status === "ready" ? this.#client : undefined;
  }

  /**
   * The connection; those who ask while it is being made share the attempt.
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

  /** Lets the connection finish what it was asked, while the next `open` makes another. */
  retire(client: RedisClient): void {
    if (this.#forget(client)) client.quit().catch(() => destroy(client));
  }

  /** Ends a connection that is half dead; the next `open` makes another. */
  drop(client: RedisClient): void {
    if (this.#forget(client)) destroy(client);
  }

  /** Whether it was the connection in use. Until it has ended, `close` must know of it. */
  #forget(client: RedisClient): boolean {
    if (this.#client !== client) return false;
    this.#client = undefined;
    if (client.status !== "end") {
      this.#retired.add(client);
      client.once("end", () => this.#retired.delete(client));
    }
    return true;
  }

  /** Ends the connection and waits until the system has its socket back. */
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
    this.#trouble = undefined;
    let cause: Error | undefined;
    const note = (error: Error) => {
      cause ??= error;
      this.#trouble = this.#wordsOf(error);
    };
    client.on("error", note);
    // A cluster tells here why a node of it cannot be reached.
    client.on("node error", note);
    const impatient = setTimeout(() => {
      note(new Error(`no answer within ${this.#patience.connectMs} ms`));
      destroy(client);
    }, this.#patience.connectMs);
    try {
      await client.connect();
    } catch (error) {
      throw new CapsuleError("STORE", this.#wordsOf(cause ?? error), { cause });
    } finally {
      clearTimeout(impatient);
    }
    client.once("end", watchSilence(client, this.#patience.silentMs));
    // ioredis goes on, in database 0, after the server refused to SELECT another: that would write into the wrong one.
    if (cause && client instanceof Redis) {
      this.drop(client);
      throw new CapsuleError("STORE", this.#wordsOf(cause), { cause });
    }
    return client;
  }

  #wordsOf(error: unknown): string {
    // A name with several addresses fails with an error for each, and no text of its own.
    if (error instanceof AggregateError && error.errors.length > 0) {
      return [...new Set(error.errors.map((one) => this.#wordsOf(one)))].join(", ");
    }
    const { lastNodeError } = error as { lastNodeError?: Error };
    const words = messageOf(lastNodeError ?? error);
    // All that ioredis tells of a cluster whose nodes refuse a connection.
    return words === "Connection is closed."
      ? `${describeKeyValue(this.#settings)} cannot be reached`
      : words;
  }

  async #create(): Promise<RedisClient> {
    const { mode, addresses, tls, caFile, login, database, masterName, sentinelPassword } =
      this.#settings;
    const ca = caFile === undefined ? undefined : await readAuthority(caFile);
    const common: RedisOptions = {
      lazyConnect: true,
      // RESP3 has nothing that these commands need, and RESP2 says NOAUTH in answer to the command itself.
      protocol: 2,
      username: login.user,
      password: login.password,
      db: database,
      disableClientInfo: true,
      // Without the check, a server that is loading answers `LOADING …` at once instead of keeping everybody waiting.
      enableReadyCheck: false,
      autoResendUnfulfilledCommands: false,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      connectTimeout: this.#patience.connectMs,
      disconnectTimeout: 0,
      ...(tls ? { tls: ca === undefined ? {} : { ca } } : {}),
    };
    if (mode === "cluster") {
      return new Cluster(addresses.map((address) => ({ ...address })), {
        lazyConnect: true,
        redisOptions: common,
        enableReadyCheck: false,
        clusterRetryStrategy: () => null,
        // A command that was under way when a node went away is not sent again: it may have been carried out.
        retryDelayOnFailover: 0,
        slotsRefreshTimeout: this.#patience.connectMs,
        // TLS checks the name that the user wrote, so it must not be replaced by an address beforehand.
        ...(tls ? { dnsLookup: (host, found) => found(null, host) } : {}),
      });
    }
    // Numbers as text: a counter over 2⁵³ keeps its last digits. (A cluster's client compares slot numbers as they come.)
    const exact: RedisOptions = { ...common, stringNumbers: true, enableOfflineQueue: false };
    if (mode === "sentinel") {
      return new Redis({
        ...exact,
        sentinels: addresses.map((address) => ({ ...address })),
        name: masterName,
        sentinelPassword,
        sentinelRetryStrategy: () => null,
        sentinelCommandTimeout: this.#patience.connectMs,
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

/** `disconnect` alone waits for a server that may have stopped listening. */
function destroy(client: RedisClient): void {
  const nodes = client instanceof Redis ? [client] : client.nodes();
  client.disconnect();
  for (const node of nodes) (node as Partial<Redis>).stream?.destroy();
}
