import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
import { CapsuleError, messageOf } from "../base/errors.ts";
import { Checkpoints } from "./checkpoints.ts";
import { Deadlines, type ServiceCall } from "./deadlines.ts";
import { globMatcher, literalPrefix } from "./glob.ts";
import { KeyList } from "./key_list.ts";
import type { CallLimit, KeyValueStore, SwapResult, SwapValues } from "./services.ts";
import { databasePath, type EmbeddedSettings } from "./settings.ts";
import { type Database, isBusy, openDatabase } from "./sqlite_database.ts";
import { busy, WriteQueue } from "./write_queue.ts";

/** Larger values would block the thread for too long. */
const maxValueBytes = 8 * 1024 * 1024;
const maxKeyBytes = 16 * 1024;
const maxPatternBytes = 1024;
const pageKeys = 1000;
/** The time after which matching keys yields to the event loop, in milliseconds. */
const batchMs = 5;
const maxInt64 = 2n ** 63n - 1n;

/**
 * A key-value store in an SQLite file, used if no Redis is configured. All threads and processes
 * with the same data folder share it. It behaves as Redis does, with Redis' error messages.
 *
 * SQLite is synchronous, so each statement is short, and waits for other processes and for the
 * disk happen outside the thread.
 */
export class EmbeddedStore implements KeyValueStore {
  readonly description: string;
  readonly #folder: string;
  readonly #now: () => number;
  readonly #deadlines = new Deadlines();
  readonly #writes = new WriteQueue();
  readonly #checkpoints: Checkpoints;
  #database: Database | undefined;
  #closed = false;
  #writesUntilPurge = 0;

  /** @param now returns milliseconds since 1970; the processes of a folder must agree on it. */
  constructor(settings: EmbeddedSettings, now: () => number = Date.now) {
    this.#now = now;
    this.description = databasePath(settings);
    this.#folder = settings.folder;
    this.#checkpoints = new Checkpoints(this.description);
  }

  get(key: Uint8Array, limit: CallLimit): Promise<Uint8Array | null> {
    return this.#read(limit, ({ get }) => {
      const row = get.get({ key, now: this.#now() });
      return row ? row.value as Uint8Array : null;
    });
  }

  set(key: Uint8Array, value: Uint8Array, limit: CallLimit): Promise<void> {
    return this.#write(limit, key, value.length, ({ set }) => {
      check("value", value.length, maxValueBytes);
      set.run({ key, value });
    });
  }

  delete(key: Uint8Array, limit: CallLimit): Promise<boolean> {
    return this.#write(
      limit,
      key,
      0,
      (database) => database.delete.run({ key, now: this.#now() }).changes > 0,
    );
  }

  swap(
    key: Uint8Array,
    { expected, value }: SwapValues,
    limit: CallLimit,
  ): Promise<SwapResult> {
    return this.#write(limit, key, value.length, (database) => {
      check("value", value.length, maxValueBytes);
      return atomically<SwapResult>(database, () => {
        const row = database.get.get({ key, now: this.#now() });
        const current = row ? row.value as Uint8Array : null;
        if (!isSameValue(current, expected)) return { swapped: false, current };
        database.set.run({ key, value });
        return { swapped: true };
      });
    });
  }

  increment(key: Uint8Array, by: bigint, limit: CallLimit): Promise<bigint> {
    return this.#write(limit, key, 0, (database) =>
      atomically(database, () => {
        const now = this.#now();
        const row = database.get.get({ key, now });
        const sum = parseInt64(row ? row.value as Uint8Array : null) + by;
        if (sum > maxInt64 || sum < -maxInt64 - 1n) {
          throw new CapsuleError("STORE", "ERR increment or decrement would overflow");
        }
        database.replace.run({ key, value: new TextEncoder().encode(String(sum)), now });
        return sum;
      }));
  }

  expire(key: Uint8Array, seconds: bigint, limit: CallLimit): Promise<boolean> {
    return this.#write(limit, key, 0, (database) => {
      const now = this.#now();
      const until = expiryMs(seconds, now);
      const statement = seconds > 0n ? database.expire : database.delete;
      return statement.run(seconds > 0n ? { key, now, until } : { key, now }).changes > 0;
    });
  }

  /**
   * Pages through the keys. It yields to the event loop between pages and within one, since long
   * keys and patterns with many stars take long to match.
   */
  async keys(pattern: Uint8Array, limit: CallLimit): Promise<Uint8Array[]> {
    check("pattern", pattern.length, maxPatternBytes);
    const matches = globMatcher(pattern);
    const prefix = literalPrefix(pattern);
    const late = () => `${this.description} did not list its keys within ${limit.timeoutMs} ms`;
    return await this.#deadlines.run(limit, late, async (call) => {
      const found = new KeyList();
      let from = prefix;
      for (let first = true; !call.over; first = false) {
        const page = await this.#retryRead(
          call,
          ({ firstPage, nextPage }) =>
            (first ? firstPage : nextPage).all({ from, now: this.#now(), limit: pageKeys }).map((
              row,
            ) => row.key as Uint8Array),
        );
        let startedAt = performance.now();
        for (const key of page) {
          if (matches(key)) found.add(key);
          if (performance.now() - startedAt < batchMs) continue;
          await nextTurn();
          if (call.over) break;
          startedAt = performance.now();
        }
        const last = page.at(-1);
        if (page.length < pageKeys || !last || !beginsWith(last, prefix)) break;
        from = last;
        await nextTurn();
      }
      return found.keys;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#deadlines.close();
    this.#writes.close(closedError());
    await this.#checkpoints.close();
    this.#database?.close();
    this.#database = undefined;
  }

  #run<T>(limit: CallLimit, work: (call: ServiceCall) => Promise<T>): Promise<T> {
    return this.#deadlines.run(limit, this.#late(limit), work);
  }

  #late({ timeoutMs }: CallLimit): () => string {
    return () => `${this.description} was in use by another process for ${timeoutMs} ms`;
  }

  #read<T>(limit: CallLimit, query: (database: Database) => T): Promise<T> {
    return this.#deadlines.begin<T>(limit, this.#late(limit), (call, resolve, reject) => {
      const result = this.#attempt(query);
      if (result === busy) this.#retryRead(call, query).then(resolve, reject);
      else resolve(result);
    });
  }

  /** Retries a read. The file is rarely busy for readers, for example while it is created. */
  async #retryRead<T>(call: ServiceCall, query: (database: Database) => T): Promise<T> {
    for (;;) {
      const result = this.#attempt(query);
      if (result !== busy) return result;
      await new Promise<void>((resolve) => setTimeout(resolve, 1 + 2 * Math.random()));
      if (call.over) throw closedError();
    }
  }

  #write<T>(
    limit: CallLimit,
    key: Uint8Array,
    bytes: number,
    change: (database: Database) => T,
  ): Promise<T> {
    return this.#run(limit, (call) =>
      this.#writes.run(call, () => {
        check("key", key.length, maxKeyBytes);
        const result = this.#attempt(change);
        if (result !== busy) {
          this.#checkpoints.recordWrite(key.length + bytes);
          this.#purge();
        }
        return result;
      }));
  }

  #attempt<T>(use: (database: Database) => T): T | typeof busy {
    if (this.#closed) throw closedError();
    try {
      const database = this.#database ??= this.#open();
      return database ? use(database) : busy;
    } catch (error) {
      if (isBusy(error)) return busy;
      if (error instanceof CapsuleError) throw error;
      throw new CapsuleError("STORE", `${this.description}: ${messageOf(error)}`, { cause: error });
    }
  }

  #open(): Database | undefined {
    Deno.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    return this.#checkpoints.checkpointLeftover() ? undefined : openDatabase(this.description);
  }

  /** Deletes expired rows occasionally, as Redis does. Queries ignore them before. */
  #purge(): void {
    if (--this.#writesUntilPurge > 0) return;
    this.#writesUntilPurge = 4;
    this.#attempt(({ purge }) => purge.run({ now: this.#now() }));
  }
}

/** Runs `work` in a transaction, which excludes other writers. */
function atomically<T>(database: Database, work: () => T): T {
  database.begin.run();
  try {
    const result = work();
    database.commit.run();
    return result;
  } catch (error) {
    undo(database);
    throw error;
  }
}

function isSameValue(one: Uint8Array | null, other: Uint8Array | null): boolean {
  if (one === null || other === null) return one === other;
  return Buffer.compare(one, other) === 0;
}

/** Rolls back. If the disk is full, SQLite has already done so and the statement fails. */
function undo({ rollback }: Database): void {
  try {
    rollback.run();
  } catch {
    // The caller gets the error that made the change fail.
  }
}

function check(what: string, bytes: number, most: number): void {
  if (bytes > most) {
    throw new CapsuleError(
      "STORE",
      `a ${what} in the embedded store has at most ${most} bytes: this one has ${bytes}`,
    );
  }
}

/** Parses a number by Redis' rules: decimal, no `+`, no leading zero, 64 bits. */
function parseInt64(value: Uint8Array | null): bigint {
  const text = value === null ? "0" : new TextDecoder("latin1").decode(value);
  const number = /^(?:0|-?[1-9]\d{0,18})$/.test(text) ? BigInt(text) : maxInt64 + 1n;
  if (number > maxInt64 || number < -maxInt64 - 1n) {
    throw new CapsuleError("STORE", "ERR value is not an integer or out of range");
  }
  return number;
}

/** Returns the time of expiry in milliseconds since 1970; throws where Redis reports an error. */
function expiryMs(seconds: bigint, now: number): bigint {
  if (seconds > maxInt64 || seconds < -maxInt64 - 1n) {
    throw new CapsuleError("STORE", "ERR value is not an integer or out of range");
  }
  const ms = seconds * 1000n;
  if (ms > maxInt64 - BigInt(now) || ms < -maxInt64 - 1n) {
    throw new CapsuleError("STORE", "ERR invalid expire time in 'expire' command");
  }
  return ms + BigInt(now);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function beginsWith(key: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, index) => key[index] === byte);
}

function closedError(): CapsuleError {
  return new CapsuleError("STORE", "the embedded store is closed");
}
