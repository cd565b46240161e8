import { encodeError } from "../abi/guest_strings.ts";
import { encodeText } from "../base/byte_string.ts";
import { CapsuleError } from "../base/errors.ts";
import type { CallLimit, KeyValueStore } from "../store/services.ts";
import type { Guest } from "../wasm/guest.ts";
import { limitFor, refuseInSandbox } from "./backing_service.ts";
import { concatBytes } from "../base/byte_string.ts";
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
        const key = inputs.bytes(0, "key");
        const value = inputs.bytes(1, "value");
        await store.set(key, value, limit);
        return concatBytes(["[OK](", key, ":", value, ")"]);
      }, (result) => result),
      hostRedisGet: storeFunction(
        guest,
        sandbox,
        (inputs, limit) => store.get(inputs.view(0, "key"), limit),
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
        (inputs, limit) => store.delete(inputs.bytes(0, "key"), limit),
        oneOrZero,
      ),
      redisKeys: storeFunction(
        guest,
        sandbox,
        (inputs, limit) => store.keys(inputs.bytes(0, "pattern"), limit),
        (keys) => encodeKeys(guest, keys),
      ),
      redisIncr: storeFunction(
        guest,
        sandbox,
        (inputs, limit) => store.increment(inputs.bytes(0, "key"), 1n, limit),
        String,
      ),
      redisExpire: storeFunction(guest, sandbox, (inputs, limit) => {
        const key = inputs.bytes(0, "key");
        return store.expire(key, parseSeconds(inputs.text(1, "seconds")), limit);
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

/** Keys that are encoded between two checks of the deadline. */
const keysPerCheck = 4096;

/**
 * Encodes keys as a JSON array of strings. Only what JSON requires is escaped; other bytes stay,
 * also where they are not UTF-8. For the keys `a"b` and `é`:
 * ```
 * 5b 22 61 5c 75 30 30 32 32 62 22 2c 22 c3 a9 22 5d     ["a\u0022b","é"]
 * ```
 */
function encodeKeys(guest: Guest, keys: readonly Uint8Array[]): Uint8Array {
  let size = 2;
  for (const [index, key] of keys.entries()) {
    if (index % keysPerCheck === 0) guest.assertInTime();
    size += encodedLength(key) + 1;
  }
  const json = new Uint8Array(Math.max(2, size - 1));
  let at = 0;
  json[at++] = openBracket;
  for (const [index, key] of keys.entries()) {
    if (index % keysPerCheck === 0) guest.assertInTime();
    if (index > 0) json[at++] = comma;
    at = encodeKey(key, json, at);
  }
  json[at] = closeBracket;
  return json;
}

const [quote, comma, openBracket, backslash, closeBracket] = [0x22, 0x2c, 0x5b, 0x5c, 0x5d];
/** `\u0000`, of which the last two digits are replaced. */
const escape = encodeText("\\u0000");
const hexDigits = encodeText("0123456789abcdef");

function mustEscape(byte: number): boolean {
  return byte < 0x20 || byte === quote || byte === backslash;
}

function encodedLength(key: Uint8Array): number {
  let length = key.length + 2;
  for (const byte of key) if (mustEscape(byte)) length += escape.length - 1;
  return length;
}

/** Writes a key as a JSON string at `at` and returns the offset behind it. */
function encodeKey(key: Uint8Array, json: Uint8Array, at: number): number {
  json[at++] = quote;
  for (const byte of key) {
    if (!mustEscape(byte)) json[at++] = byte;
    else {
      json.set(escape, at);
      at += escape.length;
      json[at - 2] = hexDigits[byte >> 4] ?? 0;
      json[at - 1] = hexDigits[byte & 15] ?? 0;
    }
  }
  json[at++] = quote;
  return at;
}
