import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { MemoryReset } from "../../src/wasm/memory_reset.ts";
import { takeMemorySnapshot } from "../../src/wasm/memory_snapshot.ts";
import { addressOf, pageWatch } from "../../src/wasm/page_watch.ts";
import { mapSnapshot } from "../../src/wasm/snapshot_mapping.ts";

const ignore = Deno.build.os !== "linux";
const wasmPage = 65_536;

/** Makes a memory of 64 pages with bytes that are not zero from page 3 up to page 50. */
function usedMemory(): { memory: WebAssembly.Memory; bytes: Uint8Array<ArrayBuffer> } {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 80 });
  const bytes = new Uint8Array(memory.buffer as ArrayBuffer);
  for (let at = 3 * wasmPage + 12; at < 50 * wasmPage + 20; at++) bytes[at] = at * 7 + (at >> 8);
  return { memory, bytes };
}

function assertSame(bytes: Uint8Array, expected: Uint8Array): void {
  assert.equal(Buffer.compare(bytes, expected), 0);
}

Deno.test("mapSnapshot: only written pages are touched", { ignore }, () => {
  const { bytes } = usedMemory();
  const before = bytes.slice();
  const snapshot = takeMemorySnapshot(bytes);
  assert.ok(mapSnapshot(snapshot, bytes));
  const watch = pageWatch();
  assert.ok(watch);
  assertSame(bytes, before);
  // Outside of the snapshot, reading counts as touching.
  const within = () =>
    watch.touchedRuns(addressOf(bytes), bytes.length)
      ?.filter((at) => at > 4 * wasmPage && at < 50 * wasmPage);
  assert.deepEqual(within(), []);
  bytes[10 * wasmPage] = 1;
  crypto.getRandomValues(bytes.subarray(20 * wasmPage, 20 * wasmPage + 8));
  assert.deepEqual(
    within(),
    [10, 20].flatMap((at) => [at * wasmPage, at * wasmPage + watch.pageBytes]),
  );
});

Deno.test(
  "mapSnapshot: memories with one snapshot do not see each other's writes",
  { ignore },
  () => {
    const [one, other] = [usedMemory().bytes, usedMemory().bytes];
    const before = one.slice();
    const snapshot = takeMemorySnapshot(one);
    assert.ok(mapSnapshot(snapshot, one) && mapSnapshot(snapshot, other));
    one.fill(9);
    assertSame(other, before);
    const later = usedMemory().bytes.fill(0);
    assert.ok(mapSnapshot(snapshot, later));
    assertSame(later, before);
  },
);

Deno.test("MemoryReset: restores a mapped memory whatever was written", { ignore }, () => {
  const { bytes } = usedMemory();
  const before = bytes.slice();
  const reset = new MemoryReset();
  const snapshot = reset.take(bytes);
  for (let call = 0; call < 20; call++) {
    bytes.fill(call, call * wasmPage, (call + 30) * wasmPage);
    reset.restore(snapshot, bytes);
    assertSame(bytes, before);
  }
  const span = fc.tuple(
    fc.nat(bytes.length - 1),
    fc.oneof(fc.nat(9), fc.nat(200_000)),
    fc.nat(255),
  );
  const property = fc.property(fc.array(span), (spans) => {
    for (const [at, length, value] of spans) bytes.fill(value, at, at + length);
    reset.restore(snapshot, bytes);
    assertSame(bytes, before);
  });
  fc.assert(property, { numRuns: 200 });
});

Deno.test("MemoryReset: restores a mapped memory that has grown", { ignore }, () => {
  const { memory, bytes } = usedMemory();
  const before = bytes.slice();
  const reset = new MemoryReset();
  const snapshot = reset.take(bytes);
  for (let call = 0; call < 20; call++) reset.restore(snapshot, bytes);
  memory.grow(2);
  const grown = new Uint8Array(memory.buffer as ArrayBuffer);
  assert.ok(reset.isWorthKeeping(snapshot, grown.length, grown.length));
  for (let call = 0; call < 3; call++) {
    grown.fill(7, 30 * wasmPage);
    reset.restore(snapshot, grown);
    assertSame(grown.subarray(0, before.length), before);
    assert.ok(grown.subarray(before.length).every((byte) => byte === 0));
  }
});
