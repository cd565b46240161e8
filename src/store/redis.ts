import { Buffer } from "node:buffer";
import { type Cluster, Redis, ReplyError } from "ioredis";
import { asciiText } from "../base/byte_string.ts";
import { CapsuleError, messageOf } from "../base/errors.ts";
import { Deadlines, type ServiceCall } from "./deadlines.ts";
import { KeyList } from "./key_list.ts";
import { type RedisClient, RedisConnection, type RedisTimeouts } from "./redis_connection.ts";
import type { CallLimit, KeyValueStore, SwapResult, SwapValues } from "./services.ts";
import { describeKeyValue, type RedisSettings } from "./settings.ts";

const defaultTimeouts: RedisTimeouts = { connectMs: 5000, responseMs: 10_000 };

/**
 * Compare-and-swap: `KEYS[1]` is set to `ARGV[3]` if it is `ARGV[2]`, or missing with `ARGV[1]`
 * "missing". Returns 1, or an array with the current value.
 */
const swapScript = `
local current = redis.call("GET", KEYS[1])
local expected = ARGV[1] == "value" and ARGV[2]
if current ~= expected then return {current} end
redis.call("SET", KEYS[1], ARGV[3])
return 1`;

/**
 * A key-value store on a Redis server, a cluster, or the master that sentinels name.
 *
 * All calls of a thread are pipelined on one connection. If a server is unreachable, refuses or
 * dies, the pending calls fail and the next call reconnects. A read whose connection was lost is
 * repeated once. A write is repeated only if the server refused it or it was never sent; otherwise
 * it may have been executed.
 */
export class RedisStore implements KeyValueStore {
  readonly description: string;
  readonly #connection: RedisConnection;
  readonly #deadlines = new Deadlines();
  #pending = 0;
  #corked = false;

  constructor(settings: RedisSettings, timeouts: RedisTimeouts = defaultTimeouts) {
    this.description = describeKeyValue(settings);
    this.#connection = new RedisConnection(settings, timeouts);
  }

  get(key: Uint8Array, limit: CallLimit): Promise<Uint8Array | null> {
    const copy = copyKey(key);
    return this.#run(limit, "read", (client) => client.getBuffer(copy));
  }

  async set(key: Uint8Array, value: Uint8Array, limit: CallLimit): Promise<void> {
    await this.#run(limit, "write", (client) => client.set(asBuffer(key), asBuffer(value)));
  }

  async swap(
    key: Uint8Array,
    { expected, value }: SwapValues,
    limit: CallLimit,
  ): Promise<SwapResult> {
    const args = [expected ? "value" : "missing", asBuffer(expected ?? empty), asBuffer(value)];
    // A server without the script cache of EVALSHA, such as a new master, needs all of it.
    const reply = await this.#run(
      limit,
      "write",
      (client) => client.callBuffer("EVAL", swapScript, 1, asBuffer(key), ...args),
    );
    return Array.isArray(reply) ? { swapped: false, current: reply[0] ?? null } : { swapped: true };
  }

  async delete(key: Uint8Array, limit: CallLimit): Promise<boolean> {
    return Number(await this.#run(limit, "write", (client) => client.del(asBuffer(key)))) > 0;
  }

  async increment(key: Uint8Array, by: bigint, limit: CallLimit): Promise<bigint> {
    return BigInt(
      await this.#run(limit, "write", (client) => client.incrby(asBuffer(key), String(by))),
    );
  }

  async expire(key: Uint8Array, seconds: bigint, limit: CallLimit): Promise<boolean> {
    return Number(
      await this.#run(limit, "write", (client) => client.expire(asBuffer(key), String(seconds))),
    ) > 0;
  }

  /** Pages through the keys with `SCAN`, since `KEYS` blocks the server's other clients. */
  keys(pattern: Uint8Array, limit: CallLimit): Promise<Uint8Array[]> {
    return this.#run(limit, "read", async (client, call) => {
      // A SCAN may return a key twice.
      const seen = new Set<string>();
      const found = new KeyList();
      for (const node of client instanceof Redis ? [client] : (client as Cluster).nodes("master")) {
        let cursor = "0";
        do {
          const [next, page] = await node.callBuffer(
            "SCAN",
            cursor,
            "MATCH",
            asBuffer(pattern),
            "COUNT",
            1000,
          ) as [Buffer, Buffer[]];
          for (const key of page) {
            const text = key.toString("latin1");
            if (!seen.has(text)) found.add(key);
            seen.add(text);
          }
          cursor = next.toString();
        } while (cursor !== "0" && !call.over);
      }
      return found.keys;
    });
  }

  async close(): Promise<void> {
    this.#deadlines.close();
    await this.#connection.close();
  }

  #run<T>(
    limit: CallLimit,
    kind: "read" | "write",
    command: (client: RedisClient, call: ServiceCall) => Promise<T>,
  ): Promise<T> {
    const late = () => `${this.description} did not respond within ${limit.timeoutMs} ms`;
    return this.#deadlines.begin<T>(limit, late, (call, resolve, reject) => {
      const send = (client: RedisClient, isRepeated: boolean) => {
        // Its caller has an error already: a write must not happen after that.
        if (call.over) return;
        this.#batchWrites(client);
        this.#pending++;
        command(client, call).then((value) => {
          this.#pending--;
          resolve(value);
        }, (error) => {
          this.#pending--;
          const failure = this.#failureOf(error, { client, kind, isRepeated });
          if (failure) reject(failure);
          else if (!call.over) connectAndSend(true);
        });
      };
      const connectAndSend = (isRepeated: boolean) =>
        this.#connection.open().then((client) => send(client, isRepeated), reject);
      const { ready } = this.#connection;
      if (ready) send(ready, false);
      else connectAndSend(false);
    });
  }

  /** Maps a failure to the caller's error; undefined means: retry. */
  #failureOf(error: unknown, { client, kind, isRepeated }: Attempt): CapsuleError | undefined {
    if (error instanceof ReplyError) {
      if (!messageOf(error).startsWith("READONLY")) return serverError(error);
      // A former master after a failover. It refused the command, so the new master may have it.
      this.#connection.retire(client);
      return isRepeated || !isSentinel(client) ? serverError(error) : undefined;
    }
    const unsent = messageOf(error).startsWith("Stream isn't writeable");
    // The server closed its side, which ioredis has yet to notice.
    if (unsent) this.#connection.drop(client);
    if (!isRepeated && (kind === "read" || unsent)) return undefined;
    return new CapsuleError("STORE", this.#connectionLost(kind), { cause: error });
  }

  /**
   * Writes a command immediately if none is pending; otherwise it corks the socket, so that the
   * commands of one event-loop turn leave in one write.
   *
   * ioredis' `enableAutoPipelining` is not used: it waits for the replies of a batch before it
   * sends the next one, and in a cluster it repeats writes (bench: `store`).
   */
  #batchWrites(client: RedisClient): void {
    if (this.#pending === 0 || this.#corked || !(client instanceof Redis)) return;
    const { stream } = client;
    this.#corked = true;
    stream.cork();
    setImmediate(() => {
      this.#corked = false;
      stream.uncork();
    });
  }

  #connectionLost(kind: "read" | "write"): string {
    const { lastError } = this.#connection;
    return `the connection to ${this.description} was lost` + (lastError ? ` (${lastError})` : "") +
      (kind === "write" ? " before the response: it is unknown whether it was executed" : "");
  }
}

/** A command that was sent. */
interface Attempt {
  readonly client: RedisClient;
  readonly kind: "read" | "write";
  readonly isRepeated: boolean;
}

function isSentinel(client: RedisClient): boolean {
  return client instanceof Redis && Boolean(client.options.sentinels);
}

function serverError(error: unknown): CapsuleError {
  return new CapsuleError("STORE", messageOf(error), { cause: error });
}

const empty = new Uint8Array(0);

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Up to this length, in bytes, an ASCII key is sent as text, which ioredis encodes faster. */
const shortKey = 64;

/** Copies a key: ioredis may send it again after the call is over (bench: `store`). */
function copyKey(bytes: Uint8Array): string | Buffer {
  const { length } = bytes;
  return (length <= shortKey ? asciiText(bytes, 0, length) : undefined) ?? Buffer.from(bytes);
}
