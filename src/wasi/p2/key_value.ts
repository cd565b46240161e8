import { err, ok, type P2Interface, type P2State } from "./state.ts";
import type { Value } from "../../component/abi/codec.ts";

/**
 * The key-value store that a grant opens for one guest. The methods reject with the words of the
 * store, and with `code` `DENIED` if the grant does not allow the call.
 */
export interface GuestStore {
  get(key: string): Promise<Uint8Array | null>;
  set(key: string, value: Uint8Array): Promise<void>;
  delete(key: string): Promise<boolean>;
  /** Returns all keys that are UTF-8. */
  keys(): Promise<string[]>;
  increment(key: string, by: bigint): Promise<bigint>;
}

/** The only bucket: the store that `RedisGet` and `RedisSet` use, too. */
const bucket = {};

function open(identifier: string): Value {
  return identifier === "" || identifier === "default" ? ok(bucket) : err({ tag: "no-such-store" });
}

/** Returns the functions that `wasi:keyvalue` and Spin share: results of promises of the store. */
function operations(state: P2State, store: GuestStore) {
  const attempt = async (work: () => Promise<Value>): Promise<Value> => {
    try {
      return ok(await work());
    } catch (error) {
      const { code, message } = error as { code?: string; message?: string };
      return err(
        code === "DENIED"
          ? { tag: "access-denied" }
          : { tag: "other", value: message ?? String(error) },
      );
    }
  };
  const change = (work: () => Promise<unknown>) => {
    state.beforeSideEffect();
    return attempt(() => work().then(() => undefined));
  };
  return {
    get: (_: object, key: string) => attempt(async () => await store.get(key) ?? undefined),
    set: (_: object, key: string, value: Uint8Array) => change(() => store.set(key, value)),
    delete: (_: object, key: string) => change(() => store.delete(key)),
    exists: (_: object, key: string) => attempt(async () => await store.get(key) !== null),
    keys: () => attempt(() => store.keys()),
    attempt,
    change,
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
      attempt(async () => ({
        keys: cursor === undefined ? await store.keys() : [],
        cursor: undefined,
      })),
  });
}

/** `wasi:keyvalue/atomics`, without compare-and-swap. */
export function atomicsInterface(state: P2State, store: GuestStore): P2Interface {
  const { attempt } = operations(state, store);
  return waiting({
    // increment: func(bucket: borrow<bucket>, key: string, delta: s64) -> result<s64, error>
    "increment": (_: object, key: string, delta: bigint) => {
      state.beforeSideEffect();
      return attempt(() => store.increment(key, delta));
    },
  });
}

/** `wasi:keyvalue/batch` */
export function batchInterface(state: P2State, store: GuestStore): P2Interface {
  const { attempt, change } = operations(state, store);
  return waiting({
    // get-many: func(bucket: borrow<bucket>, keys: list<string>)
    //   -> result<list<option<tuple<string, list<u8>>>>, error>
    "get-many": (_: object, keys: readonly string[]) =>
      attempt(async () => {
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
      change(async () => {
        for (const [key, value] of pairs) await store.set(key, value);
      }),
    // delete-many: func(bucket: borrow<bucket>, keys: list<string>) -> result<_, error>
    "delete-many": (_: object, keys: readonly string[]) =>
      change(async () => {
        for (const key of keys) await store.delete(key);
      }),
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
