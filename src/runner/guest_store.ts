import type { Context } from "../base/context.ts";
import { limitFor, refuseInSandbox } from "../host/backing_service.ts";
import { maxInputBytes } from "../host/imports.ts";
import type { KeyValueStore } from "../store/services.ts";
import { CapsuleError } from "../base/errors.ts";
import type { GuestStore } from "../wasi/p2/key_value.ts";
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
  const begin = async <T>(work: () => Promise<T>): Promise<T> => {
    refuseInSandbox(sandbox, "the key-value store");
    return await work();
  };
  return {
    get: (key) => begin(() => store.get(keyBytes(key), limitFor(guest))),
    set: (key, value) =>
      begin(() => {
        assertSize("value", value);
        return store.set(keyBytes(key), value, limitFor(guest));
      }),
    delete: (key) => begin(() => store.delete(keyBytes(key), limitFor(guest))),
    keys: () =>
      begin(async () => {
        const keys = await store.keys(new TextEncoder().encode("*"), limitFor(guest));
        return keys.flatMap((key) => decodeKey(key));
      }),
    increment: (key, by) => begin(() => store.increment(keyBytes(key), by, limitFor(guest))),
  };
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

/** Returns a key as text; none for one that a function wrote in another encoding. */
function decodeKey(key: Uint8Array): string[] {
  try {
    return [strict.decode(key)];
  } catch {
    return [];
  }
}
