import { setImmediate } from "node:timers";
import { CapsuleError, messageOf } from "../base/errors.ts";
import { Checkpoints } from "./checkpoints.ts";
import { type Call, Deadlines } from "./deadlines.ts";
import { globMatcher, literalPrefix } from "./glob.ts";
import type { CallLimit, KeyValueStore } from "./key_value.ts";
import { databasePath, type EmbeddedSettings } from "./settings.ts";
import { type Database, isBusy, openDatabase } from "./sqlite_database.ts";
import { busy, WriteQueue } from "./write_queue.ts";

/** Larger ones would hold the thread for longer than a reader notices: 8 MiB take about 30 ms. */
const maxValueBytes = 8 * 1024 * 1024;
const maxKeyBytes = 16 * 1024;
const maxPatternBytes = 1024;
const pageKeys = 1000;
const maxInt64 = 2n ** 63n - 1n;

/**
 * The key-value store in a file of the launcher's own, for where no Redis is named. All threads and processes that name the same
 * folder share it, and it does what Redis does, in Redis' words.
 *
 * SQLite is synchronous, so every statement is short, and whatever may wait (for another process, for the disk) happens
 * beside the thread.
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

  /** @param now milliseconds since 1970; every process of a folder must have the same clock. */
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

  increment(key: Uint8Array, limit: CallLimit): Promise<bigint> {
    return this.#write(limit, key, 0, (database) => {
      const now = this.#now();
      database.begin.run();
      try {
        const row = database.get.get({ key, now });
        const sum = parseInt64(row ? row.value as Uint8Array : null) + 1n;
        if (sum > maxInt64) {
          throw new CapsuleError("STORE", "ERR increment or decrement would overflow");
        }
        database.replace.run({ key, value: new TextEncoder().encode(String(sum)), now });
        database.commit.run();
        return sum;
      } catch (error) {
        undo(database);
        throw error;
      }
    });
  }

  expire(key: Uint8Array, seconds: bigint, limit: CallLimit): Promise<boolean> {
    return this.#write(limit, key, 0, (database) => {
      const now = this.#now();
      const until = expiryMs(seconds, now);
      const statement = seconds > 0n ? database.expire : database.delete;
      return statement.run(seconds > 0n ? { key, now, until } : { key, now }).changes > 0;
    });
  }

  /** In pages, between which the thread serves others. */
  async keys(pattern: Uint8Array, limit: CallLimit): Promise<Uint8Array[]> {
    check("pattern", pattern.length, maxPatternBytes);
    const matches = globMatcher(pattern);
    const prefix = literalPrefix(pattern);
    return await this.#run(limit, async (call) => {
      const found: Uint8Array[] = [];
      let from = prefix;
      for (let first = true; !call.over; first = false) {
        const page = await this.#reading(
          call,
          ({ firstPage, nextPage }) =>
            (first ? firstPage : nextPage).all({ from, now: this.#now(), limit: pageKeys }).map((
              row,
            ) => row.key as Uint8Array),
        );
        for (const key of page) if (matches(key)) found.push(key);
        const last = page.at(-1);
        if (page.length < pageKeys || !last || !beginsWith(last, prefix)) break;
        from = last;
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      return found;
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

  #run<T>(limit: CallLimit, work: (call: Call) => Promise<T>): Promise<T> {
    return this.#deadlines.run(limit, this.#late(limit), work);
  }

  #late({ timeoutMs }: CallLimit): () => string {
    return () => `${this.description} was in use by another process for ${timeoutMs} ms`;
  }

  #read<T>(limit: CallLimit, query: (database: Database) => T): Promise<T> {
    return this.#deadlines.begin<T>(limit, this.#late(limit), (call, resolve, reject) => {
      const result = this.#attempt(query);
      if (result === busy) this.#reading(call, query).then(resolve, reject);
      else resolve(result);
    });
  }

  /** A reader meets a busy file only in rare moments, such as when it is first opened. */
  async #reading<T>(call: Call, query: (database: Database) => T): Promise<T> {
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
          this.#checkpoints.wrote(key.length + bytes);
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
    return this.#checkpoints.takesOver() ? undefined : openDatabase(this.description);
  }

  /** Takes expired rows away now and then, as Redis does; until then nobody sees them. */
  #purge(): void {
    if (--this.#writesUntilPurge > 0) return;
    this.#writesUntilPurge = 4;
    this.#attempt(({ purge }) => purge.run({ now: this.#now() }));
  }
}

/** SQLite undoes a change by itself when the disk is full, and then refuses to be told. */
function undo({ rollback }: Database): void {
  try {
    rollback.run();
  } catch {
    // What made the change fail is what the caller must hear.
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

/** A number as Redis takes it: decimal, no sign but `-`, no leading zero, 64 bits. */
function parseInt64(value: Uint8Array | null): bigint {
  const text = value === null ? "0" : new TextDecoder("latin1").decode(value);
  const number = /^(?:0|-?[1-9]\d{0,18})$/.test(text) ? BigInt(text) : maxInt64 + 1n;
  if (number > maxInt64 || number < -maxInt64 - 1n) {
    throw new CapsuleError("STORE", "ERR value is not an integer or out of range");
  }
  return number;
}

/** When a key expires, in milliseconds since 1970, refused where Redis refuses. */
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

function beginsWith(key: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, index) => key[index] === byte);
}

function closedError(): CapsuleError {
  return new CapsuleError("STORE", "the embedded store is closed");
}
