import assert from "node:assert/strict";
import { layoutOf } from "../../../src/component/abi/layout.ts";
import type { ComponentValueType } from "../../../src/component/types/types.ts";
import {
  type EveryImport,
  functions,
  type ImportedFunction,
  positionsOf,
  resourceOf,
  type ServedImports,
  serveEverything,
} from "./every_import.ts";

const pages = 640;
const size = pages * 65_536;
/** The last bytes of the memory, for results. */
const result = size - 256;
const timeoutMs = 250;
/** Longest call, as a multiple of the time of a loop that ends at its deadline. */
const maxLoops = 4;
/** Calls of the import in one call of the component. */
const calls = 64;

/** Filled with 1, a pointer and a length are 16 MiB at 16 MiB. */
type Fill = "zeros" | "ones" | "handles";

/** Calls an import with texts and lists as large as the memory, which `fill` fills. */
async function callLargest(
  guest: EveryImport,
  func: ImportedFunction,
  fill: Fill,
): Promise<void> {
  const flat = await guest.validFlat(func);
  const { params, result: at } = positionsOf(func);
  const lists = params.filter(({ type }) => type.kind === "string" || type.kind === "list");
  const element = lists.map(({ type }) => elementOf(type)).find((type) => resourceOf(type));
  const handle = element && await guest.make(resourceOf(element) ?? "");
  guest.growTo(pages);
  const words = new Uint32Array(guest.view.buffer);
  words.fill(fill === "zeros" ? 0 : fill === "ones" ? 0x0101_0101 : handle ?? 0);
  for (const { at, type } of lists) {
    flat[at] = 0;
    flat[at + 1] = Math.floor(size / layoutOf(elementOf(type)).size);
  }
  params.forEach(({ at, type }) => {
    if (type.kind === "u64") flat[at] = -1n;
  });
  if (at !== undefined) flat[at] = result;
  for (let left = calls; left > 0; left--) await guest.call(func.name, flat);
}

function elementOf(type: ComponentValueType): ComponentValueType {
  return type.kind === "list" ? type.element : { kind: "u8" };
}

/** Returns how long a call of the component took, in milliseconds, however it ended. */
async function durationMs(
  served: ServedImports,
  work: (guest: EveryImport, assertInTime: () => void) => Promise<void>,
): Promise<number> {
  const began = performance.now();
  await served.call(work).catch((error: Error & { code?: string }) => {
    assert.match(`${error.code}`, /^(TIMEOUT|TRAP)$/, error.stack);
  });
  return performance.now() - began;
}

/** A call that computes until its deadline. */
function loop(_: EveryImport, assertInTime: () => void): Promise<never> {
  for (;;) assertInTime();
}

Deno.test({
  name: "largest arguments: no import of WASI 0.2 holds the thread past its deadline",
  // The HTTP client has a timer that outlives it.
  ...{ sanitizeOps: false, sanitizeResources: false },
  fn: async (t) => {
    await using served = await serveEverything(`-timeout=${timeoutMs}ms`);
    for (const func of functions) {
      const { params } = positionsOf(func);
      const isSized = ({ kind }: ComponentValueType) =>
        kind === "string" || kind === "list" || kind === "u64";
      if (!params.some(({ type }) => isSized(type))) continue;
      const hasHandles = params.some(({ type }) => resourceOf(elementOf(type)));
      for (const fill of ["zeros", "ones", ...(hasHandles ? ["handles"] : [])] as Fill[]) {
        await t.step(`${func.name} of ${fill}`, async () => {
          // The machine may be busy: a call is slow only if three runs are, each compared with a
          // loop.
          const loops: number[] = [];
          do {
            const tookMs = await durationMs(served, (guest) => callLargest(guest, func, fill));
            const isQuick = tookMs <= maxLoops * timeoutMs;
            loops.push(tookMs / (isQuick ? timeoutMs : await durationMs(served, loop)));
          } while (loops.length < 3 && Math.min(...loops) > maxLoops);
          assert.ok(Math.min(...loops) <= maxLoops, `${loops.join(", ")} times a loop`);
          // The next request is answered.
          await served.call((guest) => guest.make("wasi:io/poll@0.2.4 pollable"));
        });
      }
    }
  },
});
