import type { Context } from "../base/context.ts";
import { limitFor, refuseInSandbox } from "../host/backing_service.ts";
import { maxInputBytes } from "../host/imports.ts";
import type { CallLimit, KeyValueStore } from "../store/services.ts";
import { CapsuleError } from "../base/errors.ts";
import type { GuestStore, StoreCall } from "../wasi/p2/key_value.ts";
import type { Guest } from "../wasm/guest.ts";
import type { RunnerOptions } from "./runner_options.ts";

/** The key-value store for the guests of a component. */
export interface OpenStore {
  forGuest(guest: Guest): GuestStore;
  close(): Promise<void>;
}

/** Opens the store of the settings; the connection or file is opened at the first call. */
export async function openGuestStore(
  { dataFolder, grants: { sandbox } }: Pick<RunnerOptions, "dataFolder" | "grants">,
  { io, log }: Context,
): Promise<OpenStore> {
  const [{ keyValueSettings }, { openKeyValueStore }] = await Promise.all([
    import("../store/settings.ts"),
    import("../store/open.ts"),
  ]);
  const store = openKeyValueStore(keyValueSettings(io.env, dataFolder));
  log.info(`store: ${store.description}`);
  return {
    forGuest: (guest) => guestStore(guest, { store, sandbox }),
    close: () => store.close(),
  };
}

function guestStore(
  guest: Guest,
  { store, sandbox }: { readonly store: KeyValueStore; readonly sandbox: boolean },
): GuestStore {
  return {
    begin: () => {
      refuseInSandbox(sandbox, "the key-value store");
      return storeCall(store, limitFor(guest));
    },
  };
}

function storeCall(store: KeyValueStore, limit: CallLimit): StoreCall {
  return {
    get: async (key) => await store.get(keyBytes(key), limit),
    set: async (key, value) => await store.set(keyBytes(key), valueBytes(value), limit),
    delete: async (key) => await store.delete(keyBytes(key), limit),
    keys: async () => {
      const keys = await store.keys(new TextEncoder().encode("*"), limit);
      return keys.flatMap((key) => decodeKey(key));
    },
    increment: async (key, by) => await store.increment(keyBytes(key), by, limit),
    swap: async (key, { expected, value }) =>
      await store.swap(keyBytes(key), { expected, value: valueBytes(value) }, limit),
  };
}

function valueBytes(value: Uint8Array): Uint8Array {
  assertSize("value", value);
  return value;
}

function keyBytes(key: string): Uint8Array {
  // A character has at least one byte, so a longer text is refused without encoding all of it.
  const bytes = new TextEncoder().encode(key.slice(0, maxInputBytes.key + 1));
  assertSize("key", bytes);
  return bytes;
}

function assertSize(input: "key" | "value", { length }: Uint8Array): void {
  const max = maxInputBytes[input];
  if (length > max) {
    throw new CapsuleError("STORE", `a ${input} has up to ${max} bytes: got ${length}`);
  }
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Returns a key as text in a list; an empty list for a key that is not UTF-8, which a function
 * wrote.
 */
function decodeKey(key: Uint8Array): string[] {
  try {
    return [strict.decode(key)];
  } catch {
    return [];
  }
}
