import assert from "node:assert/strict";
import { pageWatch } from "../../src/wasm/page_watch.ts";
import { TouchedPages } from "../../src/wasm/touched_pages.ts";

const watch = pageWatch();
const page = watch?.pageBytes ?? 0;

/** Registers a test for systems with a page watch; elsewhere its title has the reason. */
function watchedTest(
  name: string,
  test: (touched: TouchedPages, bytes: Bytes, memory: WebAssembly.Memory) => void,
) {
  const why = watch ? "" : " (ignored: this system does not tell which pages were touched)";
  Deno.test({
    name: name + why,
    ignore: !watch,
    fn: () => {
      const memory = new WebAssembly.Memory({ initial: 4, maximum: 8 });
      const bytes = new Uint8Array(memory.buffer as ArrayBuffer);
      if (watch) test(new TouchedPages(bytes, watch), bytes, memory);
    },
  });
}

type Bytes = Uint8Array<ArrayBuffer>;

Deno.test(
  "pageWatch: exists on Linux",
  { ignore: Deno.build.os !== "linux" },
  () => {
    assert.ok(watch);
  },
);

watchedTest("TouchedPages: a new memory has none", (touched, bytes) => {
  assert.deepEqual(touched.runsOf(bytes), []);
});

watchedTest(
  "TouchedPages: returns written pages as runs, at each call",
  (touched, bytes) => {
    bytes[2 * page] = 1;
    bytes[4 * page - 1] = 1;
    assert.deepEqual(touched.runsOf(bytes), [2 * page, 4 * page]);
    bytes[bytes.length - 1] = 1;
    bytes[0] = 1;
    assert.deepEqual(touched.runsOf(bytes), [
      0,
      page,
      2 * page,
      4 * page,
      bytes.length - page,
      bytes.length,
    ]);
  },
);

watchedTest("TouchedPages: includes pages that system calls write", (touched, bytes) => {
  assert.deepEqual(touched.runsOf(bytes), []);
  crypto.getRandomValues(bytes.subarray(3 * page, 3 * page + 16));
  using file = Deno.openSync(new URL(import.meta.url));
  assert.equal(file.readSync(bytes.subarray(6 * page - 8, 6 * page + 8)), 16);
  assert.deepEqual(touched.runsOf(bytes), [3 * page, 4 * page, 5 * page, 7 * page]);
});

watchedTest("TouchedPages: includes all of a memory that grew", (touched, _, memory) => {
  memory.grow(1);
  const grown = new Uint8Array(memory.buffer as ArrayBuffer);
  assert.deepEqual(touched.runsOf(grown), [0, 5 * 65_536]);
});

watchedTest(
  "TouchedPages: forgotten pages are zero and untouched",
  (touched, bytes) => {
    bytes.fill(7);
    touched.forget(bytes, 3 * page + 1, bytes.length - page);
    assert.deepEqual(touched.runsOf(bytes), [0, 4 * page, bytes.length - page, bytes.length]);
    assert.equal(bytes[4 * page - 1], 7);
    assert.equal(bytes[4 * page], 0);
    assert.deepEqual(touched.runsOf(bytes), [0, 5 * page, bytes.length - page, bytes.length]);
  },
);

Deno.test("TouchedPages: without a report of the system all of a memory counts as touched", () => {
  const bytes = new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer as ArrayBuffer);
  const silent = {
    pageBytes: 4096,
    faults: () => 0,
    touchedRuns: () => undefined,
    disableHugePages: () => {},
    discard: () => {},
  };
  assert.deepEqual(new TouchedPages(bytes, silent).runsOf(bytes), [0, 65_536]);
});
