import { CapsuleError, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { type Timer, unref } from "../../base/timers.ts";
import { HttpError } from "../../server/http_error.ts";
import { RedisConnection } from "../../store/redis_connection.ts";
import { describeKeyValue, type RedisSettings } from "../../store/settings.ts";
import { changeRoutes, type RouteChange } from "./change_routes.ts";
import { decodeRoutes } from "./decode_routes.ts";
import type { RouteTable } from "./change_routes.ts";
import { encodeRoutes, type Routes } from "./routes.ts";

/**
 * A hash with the fields `version` and `routes` (JSON). A version is a number that grows and a
 * random part, so that no two states have the same version.
 */
const key = "capsule:routes";
/** New versions are published here. */
const channel = "capsule:routes:changed";

/** Compare-and-set: writes the routes unless their version has changed. Returns 1 if it wrote. */
const writeIfUnchanged = `
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'routes', ARGV[3])
redis.call('PUBLISH', ARGV[4], ARGV[2])
return 1`;

/** The number of attempts to make a change while other proxies make changes. */
const maxTries = 50;
/** The interval of polling, in case a message was lost, and of reconnecting. */
const pollMs = 500;
const timeouts = { connectMs: 2000, responseMs: 3000 };

/** The version of an empty Redis. */
const noVersion = "0";

function versionAfter(version: string): string {
  return `${Number.parseInt(version) + 1}-${crypto.randomUUID()}`;
}

interface State {
  readonly version: string;
  readonly routes: Routes;
}

/**
 * Routes in Redis, shared by several proxies. Each serves the last state it saw while Redis is
 * unreachable. Optimistic concurrency: a change is computed here and written if the version is
 * unchanged; otherwise it is computed again from the newer state.
 */
export class RedisTable implements RouteTable {
  readonly #commands: RedisConnection;
  readonly #announcements: RedisConnection;
  readonly #description: string;
  readonly #log: Log;
  #state: State = { version: "none", routes: new Map() };
  #listener: (routes: Routes) => void = () => {};
  #refreshing: Promise<void> | undefined;
  #again = false;
  #subscribing: Promise<void> | undefined;
  #isUnreachable = false;
  #timer: Timer | undefined;
  #closed = false;

  private constructor(settings: RedisSettings, log: Log) {
    this.#commands = new RedisConnection(settings, timeouts);
    this.#announcements = new RedisConnection(settings, timeouts);
    this.#description = describeKeyValue(settings);
    this.#log = log;
  }

  /**
   * Reads the routes and adds the missing functions of a configuration file.
   *
   * @throws CapsuleError `STORE` if Redis cannot be reached, `ROUTES` if it holds something else.
   */
  static async open(settings: RedisSettings, seed: Routes, log: Log): Promise<RedisTable> {
    const table = new RedisTable(settings, log);
    try {
      await table.#read();
      if ([...seed.keys()].some((name) => !table.routes.has(name))) {
        await table.change({ kind: "seed", file: seed });
      }
    } catch (error) {
      await table[Symbol.asyncDispose]();
      if (error instanceof CapsuleError && error.code === "ROUTES") throw error;
      throw new CapsuleError(
        "STORE",
        `cannot read the routes from ${table.#description}: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
    table.#timer = unref(setInterval(() => table.#refresh(), pollMs));
    await table.#refresh();
    return table;
  }

  get routes(): Routes {
    return this.#state.routes;
  }

  listen(listener: (routes: Routes) => void): void {
    this.#listener = listener;
    listener(this.routes);
  }

  async change(change: RouteChange): Promise<void> {
    for (let attempt = 1; attempt <= maxTries; attempt++) {
      try {
        // With an old state a 404 or a 409 could be wrong.
        if (attempt > 1 || !await this.#isCurrent()) await this.#read();
        const before = this.#state;
        const routes = changeRoutes(before.routes, change);
        const version = versionAfter(before.version);
        if (await this.#write(before.version, version, routes)) {
          this.#adopt({ version, routes });
          return;
        }
      } catch (error) {
        if (error instanceof HttpError) throw error;
        throw this.#unavailable(messageOf(error));
      }
      await new Promise((resolve) =>
        setTimeout(resolve, Math.random() * Math.min(attempt, 10) * 2)
      );
    }
    throw new HttpError(
      409,
      "ERROR_CONFLICT",
      "other proxies changed the routes in each attempt",
    );
  }

  async #isCurrent(): Promise<boolean> {
    const client = await this.#commands.open();
    return (await client.hget(key, "version") ?? noVersion) === this.#state.version;
  }

  async #write(before: string, version: string, routes: Routes): Promise<boolean> {
    const client = await this.#commands.open();
    const text = JSON.stringify(encodeRoutes(routes));
    return Number(await client.eval(writeIfUnchanged, 1, key, before, version, text, channel)) ===
      1;
  }

  async #read(): Promise<void> {
    const client = await this.#commands.open();
    const [version, text] = await client.hmget(key, "version", "routes");
    if (version === null || version === undefined) return await this.#restore();
    const from = `the key ${key} of ${this.#description}`;
    let value: unknown;
    try {
      value = JSON.parse(text ?? "");
    } catch (error) {
      throw new CapsuleError("ROUTES", `${from} does not hold JSON`, { cause: error });
    }
    this.#adopt({ version, routes: decodeRoutes(value, from) });
  }

  /** Writes the known routes to a Redis that has none: it is new, or has lost them. */
  async #restore(): Promise<void> {
    const { routes } = this.#state;
    if (routes.size === 0) return this.#adopt({ version: noVersion, routes });
    const version = versionAfter(this.#state.version);
    if (!await this.#write(noVersion, version, routes)) return await this.#read();
    this.#log.warn(`${this.#description} had lost the routes; they are restored`, {
      event: "routes-put-back",
    });
    this.#adopt({ version, routes });
  }

  #adopt(state: State): void {
    if (state.version === this.#state.version) return;
    this.#state = state;
    this.#listener(state.routes);
  }

  /** Reads the current routes; a call during a refresh causes another one. Never rejects. */
  #refresh(): Promise<void> {
    this.#again = this.#refreshing !== undefined;
    return this.#refreshing ??= this.#catchUp().finally(() => {
      this.#refreshing = undefined;
      if (this.#again && !this.#closed) this.#refresh();
    });
  }

  async #catchUp(): Promise<void> {
    try {
      await this.#subscribe();
      if (!await this.#isCurrent()) await this.#read();
      if (this.#isUnreachable) {
        this.#log.info(`${this.#description} is reachable again: the routes are current`, {
          event: "routes-back",
        });
      }
      this.#isUnreachable = false;
    } catch (error) {
      if (this.#closed) return;
      if (!this.#isUnreachable) {
        this.#log.warn(
          `the routes are unchanged while ${this.#description} is unreachable: ${messageOf(error)}`,
          {
            event: "routes-away",
          },
        );
      }
      this.#isUnreachable = true;
    }
  }

  async #subscribe(): Promise<void> {
    if (this.#announcements.ready) return;
    await (this.#subscribing ??= this.#open().finally(() => this.#subscribing = undefined));
  }

  async #open(): Promise<void> {
    const client = await this.#announcements.open();
    await client.subscribe(channel);
    client.on("message", () => this.#refresh());
  }

  #unavailable(reason: string): HttpError {
    return new HttpError(
      503,
      "ERROR_BACKEND_UNAVAILABLE",
      `cannot change the routes in ${this.#description}: ${reason}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await Promise.all([this.#commands.close(), this.#announcements.close()]);
    await this.#refreshing;
  }
}
