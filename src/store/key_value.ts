/**
 * A store of values under keys: what `RedisGet` and `RedisSet` of a guest reach. Keys, values and patterns are bytes,
 * and an empty value is not a missing key.
 *
 * A caller leaves the bytes that it passed alone until the promise settles, and no longer. Every call ends within its limit. What an
 * implementation throws for a reason outside the launcher is a `CapsuleError`: `STORE` with the server's own words
 * (`WRONGTYPE …`, `connect ECONNREFUSED …`), or `TIMEOUT`.
 */
export interface KeyValueStore {
  /** What is behind it, for the line at start: `redis localhost:6379`, `./.capsule/data.db`. Never a password. */
  readonly description: string;
  /** The value, or `null` when the key is missing or has expired. */
  get(key: Uint8Array, limit: CallLimit): Promise<Uint8Array | null>;
  /** Puts the value, over an older one, without an expiry. Once it is acknowledged, every later `get` sees it. */
  set(key: Uint8Array, value: Uint8Array, limit: CallLimit): Promise<void>;
  /** Whether there was such a key. */
  delete(key: Uint8Array, limit: CallLimit): Promise<boolean>;
  /** The keys that match a pattern of Redis (`*`, `?`, `[a-z]`, `[^a]`, `\` before any of them), in no order. */
  keys(pattern: Uint8Array, limit: CallLimit): Promise<Uint8Array[]>;
  /** Adds one to a decimal number (a missing key is 0) and returns the sum, a signed 64-bit number. */
  increment(key: Uint8Array, limit: CallLimit): Promise<bigint>;
  /** Lets the key vanish after so many whole seconds, at once if not positive. Whether there was such a key. */
  expire(key: Uint8Array, seconds: bigint, limit: CallLimit): Promise<boolean>;
  /** Gives the connection or the file back. Calls that still wait fail; later ones, too. */
  close(): Promise<void>;
}

/** How long one call may take, and who may end it sooner. */
export interface CallLimit {
  /** Milliseconds from the call on. */
  readonly timeoutMs: number;
  /** When the call began, by `performance.now()`, if the caller has just looked at the clock: a look costs 0.1 µs. */
  readonly nowMs?: number;
  /** When it leaves, the call is rejected with its reason. What was sent is not taken back. */
  readonly caller?: Caller;
}

/** Who waits for an answer, and may leave before it comes. */
export interface Caller {
  readonly hasLeft: boolean;
  /** Why it left. */
  readonly reason: unknown;
  /** Called once, when the caller leaves, with the reason. Whoever works for it sets this; one at a time does. */
  onLeft: ((reason: unknown) => void) | undefined;
}
