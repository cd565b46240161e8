/**
 * A key-value store: the backing service of `RedisGet` and `RedisSet`. Keys, values and patterns
 * are bytes, and an empty value differs from a missing key.
 *
 * The bytes that a caller passes must not change until the promise settles. Each call ends within
 * its limit. Failures outside the launcher are a `CapsuleError`: `STORE` with the server's words
 * (`WRONGTYPE …`, `connect ECONNREFUSED …`), or `TIMEOUT`.
 */
export interface KeyValueStore {
  /** Describes the store for the log, without a password: `redis localhost:6379`. */
  readonly description: string;
  /** Returns the value, or `null` if the key is missing or has expired. */
  get(key: Uint8Array, limit: CallLimit): Promise<Uint8Array | null>;
  /** Sets the value and removes an expiry. Every later `get` returns it. */
  set(key: Uint8Array, value: Uint8Array, limit: CallLimit): Promise<void>;
  /**
   * Compare-and-swap: sets the value, as `set` does, if the current one is `expected`; `null` is a
   * missing key. Nothing changes between the comparison and the write.
   */
  swap(key: Uint8Array, values: SwapValues, limit: CallLimit): Promise<SwapResult>;
  /** Deletes the key and reports whether it existed. */
  delete(key: Uint8Array, limit: CallLimit): Promise<boolean>;
  /** Returns the keys that match a Redis pattern (`*`, `?`, `[a-z]`, `[^a]`, `\`), unordered. */
  keys(pattern: Uint8Array, limit: CallLimit): Promise<Uint8Array[]>;
  /** Adds `by` to a decimal 64-bit number and returns the sum; a missing key is 0. */
  increment(key: Uint8Array, by: bigint, limit: CallLimit): Promise<bigint>;
  /**
   * Sets the key to expire after whole seconds; deletes it immediately if they are not positive.
   * Reports whether it existed.
   */
  expire(key: Uint8Array, seconds: bigint, limit: CallLimit): Promise<boolean>;
  /** Closes the connection or the file. Pending and later calls fail. */
  close(): Promise<void>;
}

/** The values of a compare-and-swap. */
export interface SwapValues {
  readonly expected: Uint8Array | null;
  readonly value: Uint8Array;
}

/** The outcome of a compare-and-swap, with the value that was there instead. */
export type SwapResult =
  | { readonly swapped: true }
  | { readonly swapped: false; readonly current: Uint8Array | null };

/** A database with N1QL queries: the backing service of `CouchBaseQuery`. */
export interface QueryService {
  /** Describes the service for the log, without a password: `couchbase://127.0.0.1`. */
  readonly description: string;
  /**
   * Runs a statement and returns its rows as a JSON array, `[]` for none. Numbers keep all digits;
   * the keys of an object may change their order. A statement is never sent twice once it may have
   * been executed.
   *
   * @throws CapsuleError `QUERY` with the server's code and message, or the reason why the cluster
   * is unreachable; `TIMEOUT` past the limit.
   */
  query(statement: string, limit: CallLimit): Promise<string>;
  /** Closes the connection. Later queries fail. */
  close(): Promise<void>;
}

/** Bounds one call to a service. */
export interface CallLimit {
  /** Milliseconds from the start of the call. */
  readonly timeoutMs: number;
  /** The start of the call by `performance.now()`, if the caller has just read it. */
  readonly nowMs?: number;
  /** Rejects the call when the caller leaves. What was sent is not undone. */
  readonly caller?: CallerSignal;
}

/** A caller that may leave before the result: an abort signal with one listener. */
export interface CallerSignal {
  readonly hasLeft: boolean;
  /** The reason for which the caller left. */
  readonly reason: unknown;
  /** Called once with the reason when the caller leaves. One piece of work at a time sets it. */
  onLeft: ((reason: unknown) => void) | undefined;
}
