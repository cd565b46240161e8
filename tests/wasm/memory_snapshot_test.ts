import assert from "node:assert/strict";
import fc from "fast-check";
import { restoreMemory, takeMemorySnapshot } from "../../src/wasm/memory_snapshot.ts";

Deno.test("restoreMemory: restores whatever was written inside the runs", () => {
  const length = 64;
  const bytesOf = (at: readonly number[]) => {
    const bytes = new Uint8Array(length);
    for (const place of at) bytes[place] = 1;
    return bytes;
  };
  const place = fc.integer({ min: 0, max: length - 1 });
  const property = fc.property(fc.array(place), fc.uniqueArray(place), (used, cuts) => {
    const before = bytesOf(used);
    const snapshot = takeMemorySnapshot(before.slice());
    const sorted = cuts.toSorted((a, b) => a - b);
    const runs = sorted.length % 2 === 0 ? sorted : sorted.slice(1);
    const bytes = before.slice();
    for (let run = 0; run < runs.length; run += 2) bytes.fill(9, runs[run], runs[run + 1]);
    restoreMemory(snapshot, bytes, runs);
    assert.deepEqual(bytes, before);
  });
  fc.assert(property, { numRuns: 1000 });
});

Deno.test("restoreMemory: clears what the memory grew", () => {
  const snapshot = takeMemorySnapshot(Uint8Array.of(0, 0, 0, 0, 5, 0, 0, 0));
  assert.deepEqual([snapshot.byteLength, snapshot.offset, snapshot.end], [8, 4, 8]);
  const grown = new Uint8Array(16).fill(3);
  restoreMemory(snapshot, grown, [0, 16]);
  assert.deepEqual([...grown], [0, 0, 0, 0, 5, ...Array(11).fill(0)]);
});
