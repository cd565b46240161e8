import assert from "node:assert/strict";
import { CapsuleError } from "../../src/base/errors.ts";
import { createLog } from "../../src/base/log.ts";
import { openGuestStore } from "../../src/runner/guest_store.ts";
import { batchInterface, type GuestStore } from "../../src/wasi/p2/key_value.ts";
import type { P2State } from "../../src/wasi/p2/state.ts";
import { Guest } from "../../src/wasm/guest.ts";
import { memoryIo } from "../testing/memory_io.ts";
import { noGrants } from "../testing/no_grants.ts";
import { TemporaryFolder } from "../testing/temporary_folder.ts";

/** Runs `use` with a guest and its embedded store. */
async function withStore(
  use: (guest: Guest, store: GuestStore) => Promise<void>,
  grants = noGrants,
): Promise<void> {
  using folder = new TemporaryFolder();
  const io = memoryIo({});
  const guest = new Guest(io, { sliceMs: 0, timeoutMs: 60_000 });
  guest.begin(true, performance.now());
  const settings = { dataFolder: folder.at("data"), grants };
  const opened = await openGuestStore(settings, { io, log: createLog("text", io) });
  try {
    await use(guest, opened.forGuest(guest));
  } finally {
    await opened.close();
  }
}

Deno.test("guest store: a batch stops with its call, and writes nothing in the next one", () =>
  withStore(async (guest, store) => {
    function* pairs() {
      yield ["first", Uint8Array.of(1)];
      guest.stop(new CapsuleError("TIMEOUT", "late"));
      guest.begin(true, performance.now());
      yield ["second", Uint8Array.of(2)];
    }
    const state = { beforeSideEffect() {} } as unknown as P2State;
    const setMany = batchInterface(state, store).functions["set-many"] as unknown as (
      bucket: object,
      pairs: Iterable<unknown>,
    ) => Promise<unknown>;
    const error = { tag: "error", value: { tag: "other", value: "late" } };
    assert.deepEqual(await setMany({}, pairs()), error);
    assert.deepEqual(await store.begin().keys(), ["first"]);
  }));

Deno.test("guest store: -sandbox denies it", () =>
  withStore((_, store) => {
    assert.throws(() => store.begin(), { code: "DENIED" });
    return Promise.resolve();
  }, { ...noGrants, sandbox: true }));
