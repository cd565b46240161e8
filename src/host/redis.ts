import { encodeError } from "../abi/guest_strings.ts";
import { encodeText } from "../base/byte_string.ts";
import { CapsuleError } from "../base/errors.ts";
import type { CallLimit, KeyValueStore } from "../store/services.ts";
import type { Guest } from "../wasm/guest.ts";
import { limitFor, refuseInSandbox } from "./backing_service.ts";
import { type HostFamily, type Import, type Inputs, suspendingFunction } from "./host_function.ts";

/** Grants the key-value store. */
export interface RedisGrant {
  readonly store: KeyValueStore;
  readonly sandbox: boolean;
}

/** The result for a missing key. It is frequent, so no error object is made for it. */
const missing = encodeError("redis: nil");

/** Creates `hostRedisSet` and `hostRedisGet`, in module `env`. */
export function redisFunctions({ store, sandbox }: RedisGrant): HostFamily {
  return (guest) => ({
    suspending: {
      hostRedisSet: storeFunction(guest, sandbox, async (inputs, limit) => {
        const key = inputs.bytes(0);
        const value = inputs.bytes(1);
        await store.set(key, value, limit);
        return concat(["[OK](", key, ":", value, ")"]);
      }, (result) => result),
      hostRedisGet: storeFunction(
        guest,
        sandbox,
        (inputs, limit) => store.get(inputs.view(0), limit),
        (value) => value ?? missing,
      ),
    },
  });
}

/**
 * Creates the commands that Capsule 0.1.3 lacked, in module `capsule`: the names in `env` belong to
 * the original. `redisDel` and `redisExpire` (key, seconds as text) return `1` or `0`, `redisKeys`
 * a JSON array, `redisIncr` a number.
 */
export function extendedRedisFunctions({ store, sandbox }: RedisGrant): HostFamily {
  return (guest) => ({
    module: "capsule",
    suspending: {
      redisDel: storeFunction(
        guest,
        sandbox,
        (inputs, limit) => store.delete(inputs.bytes(0), limit),
        oneOrZero,
      ),
      redisKeys: storeFunction(
        guest,
        sandbox,
        (inputs, limit) => store.keys(inputs.bytes(0), limit),
        jsonArray,
      ),
      redisIncr: storeFunction(
        guest,
        sandbox,
        (inputs, limit) => store.increment(inputs.bytes(0), limit),
        String,
      ),
      redisExpire: storeFunction(guest, sandbox, (inputs, limit) => {
        const key = inputs.bytes(0);
        return store.expire(key, parseSeconds(inputs.text(1)), limit);
      }, oneOrZero),
    },
  });
}

function storeFunction<T>(
  guest: Guest,
  sandbox: boolean,
  run: (inputs: Inputs, limit: CallLimit) => Promise<T>,
  encode: (value: T) => string | Uint8Array,
): Import {
  return suspendingFunction(guest, (inputs) => {
    refuseInSandbox(sandbox, "the key-value store");
    return run(inputs, limitFor(guest));
  }, encode);
}

const oneOrZero = (value: boolean) => value ? "1" : "0";

function parseSeconds(text: string): bigint {
  if (!/^-?\d{1,20}$/.test(text)) {
    throw new CapsuleError("STORE", "ERR value is not an integer or out of range");
  }
  return BigInt(text);
}

/** Concatenates texts and bytes; bytes that are not UTF-8 stay as they are. */
function concat(parts: readonly (string | Uint8Array)[]): Uint8Array {
  const all = parts.map((part) => typeof part === "string" ? encodeText(part) : part);
  const bytes = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * Encodes keys as a JSON array of strings. Only what JSON requires is escaped; other bytes stay,
 * also where they are not UTF-8. For the keys `a"b` and `é`:
 * ```
 * 5b 22 61 5c 75 30 30 32 32 62 22 2c 22 c3 a9 22 5d     ["a\u0022b","é"]
 * ```
 */
function jsonArray(keys: readonly Uint8Array[]): Uint8Array {
  return concat([
    "[",
    ...keys.flatMap((key, index) => [index === 0 ? '"' : ',"', escapeKey(key), '"']),
    "]",
  ]);
}

const quote = 0x22;
const backslash = 0x5c;

function escapeKey(key: Uint8Array): Uint8Array {
  const mustEscape = (byte: number) => byte < 0x20 || byte === quote || byte === backslash;
  if (!key.some(mustEscape)) return key;
  const parts = Array.from(
    key,
    (byte) => mustEscape(byte) ? `\\u${byte.toString(16).padStart(4, "0")}` : Uint8Array.of(byte),
  );
  return concat(parts);
}
