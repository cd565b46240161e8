import { err, ok, type P2Interface, type P2State } from "./state.ts";
import type { Value } from "../../component/abi/codec.ts";
import type { SwapResult, SwapValues } from "../../store/services.ts";

/** The key-value store that a grant opens for one guest. */
export interface GuestStore {
  /** Returns the store as the guest's current call may use it; after the call it rejects. */
  begin(): StoreCall;
}

/**
 * The store in one call of a guest. The methods reject with the words of the store, and with `code`
 * `DENIED` if the grant does not allow the call.
 */
export interface StoreCall {
  get(key: string): Promise<Uint8Array | null>;
  set(key: string, value: Uint8Array): Promise<void>;
  delete(key: string): Promise<boolean>;
  /** Returns all keys that are UTF-8. */
  keys(): Promise<string[]>;
  increment(key: string, by: bigint): Promise<bigint>;
  /** Sets the value if the current one is `expected`; `null` is a missing key. */
  swap(key: string, values: SwapValues): Promise<SwapResult>;
}

/** The only bucket: the store that `RedisGet` and `RedisSet` use, too. */
const bucket = {};

function open(identifier: string): Value {
  return identifier === "" || identifier === "default" ? ok(bucket) : err({ tag: "no-such-store" });
}

/** Returns an error of the store as an `error` of `wasi:keyvalue/store`. */
function toStoreError(error: unknown): Value {
  const { code, message } = error as { code?: string; message?: string };
  return code === "DENIED"
    ? { tag: "access-denied" }
    : { tag: "other", value: message ?? String(error) };
}

/** Returns the functions that `wasi:keyvalue` and Spin share: results of promises of the store. */
function operations(state: P2State, store: GuestStore) {
  const attempt = async (work: (store: StoreCall) => Promise<Value>): Promise<Value> => {
    try {
      return ok(await work(store.begin()));
    } catch (error) {
      return err(toStoreError(error));
    }
  };
  const change = (work: (store: StoreCall) => Promise<Value>) => {
    state.beforeSideEffect();
    return attempt(work);
  };
  return {
    get: (_: object, key: string) => attempt(async (store) => await store.get(key) ?? undefined),
    set: (_: object, key: string, value: Uint8Array) =>
      change(async (store) => void await store.set(key, value)),
    delete: (_: object, key: string) => change(async (store) => void await store.delete(key)),
    exists: (_: object, key: string) => attempt(async (store) => await store.get(key) !== null),
    keys: () => attempt((store) => store.keys()),
    attempt,
    change,
    /** Runs `work` for each item, in order, up to the first error. */
    changeEach: <T>(items: readonly T[], work: (store: StoreCall, item: T) => Promise<unknown>) =>
      change(async (store) => {
        for (const item of items) await work(store, item);
        return undefined;
      }),
  };
}

/** Returns an interface of which every function but `open` may wait. */
function waiting(functions: P2Interface["functions"]): P2Interface {
  return { functions, waits: Object.keys(functions).filter((name) => !name.endsWith("open")) };
}

/** `wasi:keyvalue/store@0.2.0-draft` and `-draft2`, which differ in the type of a cursor. */
export function keyValueInterface(state: P2State, store: GuestStore): P2Interface {
  const { get, set, delete: remove, exists, attempt } = operations(state, store);
  return waiting({
    // open: func(identifier: string) -> result<bucket, error>
    "open": open,
    // get: func(key: string) -> result<option<list<u8>>, error>
    "[method]bucket.get": get,
    // set: func(key: string, value: list<u8>) -> result<_, error>
    "[method]bucket.set": set,
    // delete: func(key: string) -> result<_, error>
    "[method]bucket.delete": remove,
    // exists: func(key: string) -> result<bool, error>
    "[method]bucket.exists": exists,
    // list-keys: func(cursor: option<string>) -> result<key-response, error>
    "[method]bucket.list-keys": (_: object, cursor: string | bigint | undefined) =>
      // The first page has all keys, so none is handed a cursor.
      attempt(async (store) => ({
        keys: cursor === undefined ? await store.keys() : [],
        cursor: undefined,
      })),
  });
}

/** The resource `cas`: a key with the value that it had, which a swap compares. */
interface Comparison {
  readonly key: string;
  readonly value: Uint8Array | null;
}

function comparison(key: string, value: Uint8Array | null): Value {
  return { key, value } satisfies Comparison as Value;
}

/** Returns a `result<_, cas-error>`; after a failed comparison it has a new `cas`. */
async function swap(
  store: GuestStore,
  { key, value: expected }: Comparison,
  value: Uint8Array,
): Promise<Value> {
  try {
    const result = await store.begin().swap(key, { expected, value });
    return result.swapped
      ? ok()
      : err({ tag: "cas-failed", value: comparison(key, result.current) });
  } catch (error) {
    return err({ tag: "store-error", value: toStoreError(error) });
  }
}

/** `wasi:keyvalue/atomics`; compare-and-swap is new in `0.2.0-draft2`. */
export function atomicsInterface(state: P2State, store: GuestStore): P2Interface {
  const { attempt, change } = operations(state, store);
  return waiting({
    // new: static func(bucket: borrow<bucket>, key: string) -> result<cas, error>
    "[static]cas.new": (_: object, key: string) =>
      attempt(async (store) => comparison(key, await store.get(key))),
    // current: func() -> result<option<list<u8>>, error>
    "[method]cas.current": ({ value }: Comparison) => ok(value ?? undefined),
    // increment: func(bucket: borrow<bucket>, key: string, delta: s64) -> result<s64, error>
    "increment": (_: object, key: string, delta: bigint) =>
      change((store) => store.increment(key, delta)),
    // swap: func(cas: cas, value: list<u8>) -> result<_, cas-error>
    "swap": (cas: Comparison, value: Uint8Array) => {
      state.beforeSideEffect();
      return swap(store, cas, value);
    },
  });
}

/** `wasi:keyvalue/batch` */
export function batchInterface(state: P2State, store: GuestStore): P2Interface {
  const { attempt, changeEach } = operations(state, store);
  return waiting({
    // get-many: func(bucket: borrow<bucket>, keys: list<string>)
    //   -> result<list<option<tuple<string, list<u8>>>>, error>
    "get-many": (_: object, keys: readonly string[]) =>
      attempt(async (store) => {
        const found: Value[] = [];
        for (const key of keys) {
          const value = await store.get(key);
          found.push(value === null ? undefined : [key, value]);
        }
        return found;
      }),
    // set-many: func(bucket: borrow<bucket>, key-values: list<tuple<string, list<u8>>>)
    //   -> result<_, error>
    "set-many": (_: object, pairs: readonly (readonly [string, Uint8Array])[]) =>
      changeEach(pairs, (store, [key, value]) => store.set(key, value)),
    // delete-many: func(bucket: borrow<bucket>, keys: list<string>) -> result<_, error>
    "delete-many": (_: object, keys: readonly string[]) =>
      changeEach(keys, (store, key) => store.delete(key)),
  });
}

/** `fermyon:spin/key-value@2.0.0` */
export function spinKeyValueInterface(state: P2State, store: GuestStore): P2Interface {
  const { get, set, delete: remove, exists, keys } = operations(state, store);
  return waiting({
    // open: static func(label: string) -> result<store, error>
    "[static]store.open": open,
    // get: func(key: string) -> result<option<list<u8>>, error>
    "[method]store.get": get,
    // set: func(key: string, value: list<u8>) -> result<_, error>
    "[method]store.set": set,
    // delete: func(key: string) -> result<_, error>
    "[method]store.delete": remove,
    // exists: func(key: string) -> result<bool, error>
    "[method]store.exists": exists,
    // get-keys: func() -> result<list<string>, error>
    "[method]store.get-keys": keys,
  });
}
