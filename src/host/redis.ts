import { encodeText } from "../base/byte_string.ts";
import { encodeError } from "../abi/guest_strings.ts";
import { CapsuleError } from "../base/errors.ts";
import type { CallLimit, KeyValueStore } from "../store/key_value.ts";
import type { Guest } from "../wasm/guest.ts";
import { limitOf, refuseInSandbox } from "./backing_service.ts";
import { answeringLater, type HostFamily, type Import, type Inputs } from "./host_function.ts";

/** What a guest may ask of the key-value store. */
export interface RedisGrant {
  readonly store: KeyValueStore;
  readonly sandbox: boolean;
}

/** As the guest hears of a key that is not there; no failure, so no error with a stack is made for it. */
const missing = encodeError("redis: nil");

/** `hostRedisSet` and `hostRedisGet`, in module `env`. */
export function redisFunctions({ store, sandbox }: RedisGrant): HostFamily {
  return (guest) => ({
    waiting: {
      hostRedisSet: asking(guest, sandbox, async (inputs, limit) => {
        const key = inputs.bytes(0);
        const value = inputs.bytes(1);
        await store.set(key, value, limit);
        return joined("[OK](", key, ":", value, ")");
      }, asItIs),
      hostRedisGet: asking(
        guest,
        sandbox,
        (inputs, limit) => store.get(inputs.view(0), limit),
        (value) => value ?? missing,
      ),
    },
  });
}

/**
 * The commands that Capsule 0.1.3 lacked, in module `capsule`: its names in `env` stay free for what later generations
 * have there. `redisDel` answers with a count, `redisKeys` with a JSON array, `redisIncr` with a number, `redisExpire`
 * (key, seconds as text) with `1` or `0`.
 */
export function moreRedisFunctions({ store, sandbox }: RedisGrant): HostFamily {
  return (guest) => ({
    module: "capsule",
    waiting: {
      redisDel: asking(
        guest,
        sandbox,
        (inputs, limit) => store.delete(inputs.bytes(0), limit),
        oneOrZero,
      ),
      redisKeys: asking(
        guest,
        sandbox,
        (inputs, limit) => store.keys(inputs.bytes(0), limit),
        jsonArray,
      ),
      redisIncr: asking(
        guest,
        sandbox,
        (inputs, limit) => store.increment(inputs.bytes(0), limit),
        String,
      ),
      redisExpire: asking(guest, sandbox, (inputs, limit) => {
        const key = inputs.bytes(0);
        return store.expire(key, wholeNumber(inputs.text(1)), limit);
      }, oneOrZero),
    },
  });
}

function asking<T>(
  guest: Guest,
  sandbox: boolean,
  ask: (inputs: Inputs, limit: CallLimit) => Promise<T>,
  form: (value: T) => string | Uint8Array,
): Import {
  return answeringLater(guest, (inputs) => {
    refuseInSandbox(sandbox, "the key-value store");
    return ask(inputs, limitOf(guest));
  }, form);
}

const asItIs = (value: Uint8Array) => value;
const oneOrZero = (was: boolean) => was ? "1" : "0";

function wholeNumber(text: string): bigint {
  if (!/^-?\d{1,20}$/.test(text)) {
    throw new CapsuleError("STORE", "ERR value is not an integer or out of range");
  }
  return BigInt(text);
}

/** Bytes of texts and bytes, one after the other: a value that is no UTF-8 passes as it is. */
function joined(...parts: (string | Uint8Array)[]): Uint8Array {
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
 * The keys as a JSON array of strings, byte for byte: what JSON must escape is escaped, all else stands as it is, also
 * where it is no UTF-8. For the keys `a"b` and `é`:
 * ```
 * 5b 22 61 5c 75 30 30 32 32 62 22 2c 22 c3 a9 22 5d     ["a\u0022b","é"]
 * ```
 */
function jsonArray(keys: readonly Uint8Array[]): Uint8Array {
  return joined(
    "[",
    ...keys.flatMap((key, index) => [index === 0 ? '"' : ',"', escaped(key), '"']),
    "]",
  );
}

const quote = 0x22;
const backslash = 0x5c;

function escaped(key: Uint8Array): Uint8Array {
  const mustEscape = (byte: number) => byte < 0x20 || byte === quote || byte === backslash;
  if (!key.some(mustEscape)) return key;
  const parts = Array.from(
    key,
    (byte) => mustEscape(byte) ? `\\u${byte.toString(16).padStart(4, "0")}` : Uint8Array.of(byte),
  );
  return joined(...parts);
}
