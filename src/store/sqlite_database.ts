import { DatabaseSync, type StatementSync } from "node:sqlite";
import { CapsuleError } from "../base/errors.ts";

/** The statements of the embedded store. `:now` is in milliseconds since 1970. */
const statements = {
  get: "SELECT value FROM entries WHERE key = :key AND (expires_ms IS NULL OR expires_ms > :now)",
  set: "INSERT INTO entries (key, value, expires_ms) VALUES (:key, :value, NULL) " +
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_ms = NULL",
  /** Keeps the expiry of a row that has not expired. */
  replace: "INSERT INTO entries (key, value, expires_ms) VALUES (:key, :value, NULL) " +
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_ms = iif(expires_ms > :now, expires_ms, NULL)",
  delete: "DELETE FROM entries WHERE key = :key AND (expires_ms IS NULL OR expires_ms > :now)",
  expire:
    "UPDATE entries SET expires_ms = :until WHERE key = :key AND (expires_ms IS NULL OR expires_ms > :now)",
  /** Deletes a single row, since freeing the pages of a large value takes long. */
  purge:
    "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries WHERE expires_ms <= :now LIMIT 1)",
  firstPage:
    "SELECT key FROM entries WHERE key >= :from AND (expires_ms IS NULL OR expires_ms > :now) " +
    "ORDER BY key LIMIT :limit",
  nextPage:
    "SELECT key FROM entries WHERE key > :from AND (expires_ms IS NULL OR expires_ms > :now) " +
    "ORDER BY key LIMIT :limit",
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  rollback: "ROLLBACK",
} as const;

/** An open file with its prepared statements. */
export type Database = { readonly [name in keyof typeof statements]: StatementSync } & {
  close(): void;
};

const version = 1;

/**
 * Opens the file, or creates it. It uses a write-ahead log, so that readers never wait; no lock
 * timeout, which would block the thread; and no automatic checkpoints, since they wait for the
 * disk.
 *
 * A commit survives the end of any process, `kill -9` included. A power cut can undo the latest
 * commits, but never corrupts the file.
 *
 * @see https://www.sqlite.org/pragma.html#pragma_synchronous
 * @throws CapsuleError `STORE` if a newer Capsule created the file; SQLite's errors, such as busy
 * (`isBusy`) while another process opens it.
 */
export function openDatabase(path: string): Database {
  // Readable by the owner only. SQLite creates its log with the same mode.
  Deno.openSync(path, { write: true, create: true, mode: 0o600 }).close();
  const database = new DatabaseSync(path, { timeout: 0 });
  const run = (sql: string) => database.prepare(sql).get();
  try {
    run("PRAGMA journal_mode = WAL");
    run("PRAGMA synchronous = NORMAL");
    run("PRAGMA wal_autocheckpoint = 0");
    const found = Number(run("PRAGMA user_version")?.user_version);
    if (found > version) {
      throw new CapsuleError(
        "STORE",
        `${path} has format ${found}, which a newer Capsule made: this one knows ${version}`,
      );
    }
    if (found < version) {
      run("BEGIN IMMEDIATE");
      run(
        "CREATE TABLE IF NOT EXISTS entries " +
          "(key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL, expires_ms INTEGER)",
      );
      run(
        "CREATE INDEX IF NOT EXISTS expiring ON entries (expires_ms) WHERE expires_ms IS NOT NULL",
      );
      run(`PRAGMA user_version = ${version}`);
      run("COMMIT");
    }
    const prepared = Object.entries(statements).map(([name, sql]) => [name, database.prepare(sql)]);
    return { ...Object.fromEntries(prepared), close: () => database.close() };
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Reports whether another connection held a lock that the statement needs: `SQLITE_BUSY` (5) or
 * `SQLITE_LOCKED` (6), the low byte of an extended code. The statement changed nothing and can be
 * retried.
 *
 * @see https://www.sqlite.org/rescode.html#busy
 */
export function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === "number" && ((code & 0xff) === 5 || (code & 0xff) === 6);
}
