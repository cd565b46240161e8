import assert from "node:assert/strict";
import type { CoreValue } from "../../../src/component/abi/codec.ts";
import { ExitError, TrapError } from "../../../src/function/traps.ts";
import {
  type EveryImport,
  functions,
  type ImportedFunction,
  memoryBytes,
  positionsOf,
  resourceOf,
  resources,
  type ServedImports,
  serveEverything,
} from "./every_import.ts";

/**
 * The outcome of a call: the import returned, or the guest trapped or ended itself.
 *
 * @throws an error of the host, which a guest must not cause.
 */
async function outcomeOf(
  served: ServedImports,
  work: (guest: EveryImport) => Promise<unknown>,
): Promise<"returned" | "trapped" | "ended"> {
  try {
    await served.call(work);
    return "returned";
  } catch (error) {
    if (error instanceof TrapError) return "trapped";
    if (error instanceof ExitError) return "ended";
    throw error;
  }
}

/** Calls a function with valid core values, some of them replaced. */
async function callWith(
  guest: EveryImport,
  func: ImportedFunction,
  replaced: Readonly<Record<number, CoreValue>>,
): Promise<void> {
  const flat = await guest.validFlat(func);
  for (const [at, value] of Object.entries(replaced)) flat[Number(at)] = value;
  await guest.call(func.name, flat);
}

/** Declares a test with the served component. The HTTP client has a timer that outlives it. */
function importsTest(name: string, fn: (served: ServedImports) => Promise<void>): void {
  const run = async () => {
    await using served = await serveEverything("-timeout=10s");
    await fn(served);
  };
  Deno.test({ name, fn: run, sanitizeOps: false, sanitizeResources: false });
}

const isText = (type: { kind: string }) => type.kind === "string" || type.kind === "list";
const outside = [0xffff_ffff, memoryBytes + 1, memoryBytes, 0x8000_0000];
const numbers = [...outside, memoryBytes - 1, 1, 2];

importsTest("every import: takes valid arguments", async (served) => {
  const trapping: string[] = [];
  for (const func of functions) {
    const outcome = await outcomeOf(served, (guest) => callWith(guest, func, {}));
    if (outcome !== "returned") trapping.push(func.name);
  }
  // Datagrams are sent only after `check-send`.
  assert.deepEqual(trapping, [
    "wasi:cli/exit@0.2.4#exit",
    "wasi:sockets/udp@0.2.4#[method]outgoing-datagram-stream.send",
  ]);
});

importsTest(
  "every import: traps where its result or a text is outside the memory",
  async (served) => {
    for (const func of functions) {
      const { params, result } = positionsOf(func);
      const rows: Record<number, CoreValue>[] = [];
      if (result !== undefined) { for (const pointer of outside) rows.push({ [result]: pointer }); }
      for (const { at, type } of params) {
        if (!isText(type)) continue;
        for (const pointer of [...outside, memoryBytes - 1]) rows.push({ [at]: pointer });
        for (const length of outside) rows.push({ [at + 1]: length });
        rows.push({ [at]: 1, [at + 1]: 0xffff_ffff }, { [at]: 0xffff_ffff, [at + 1]: 1 });
      }
      for (const row of rows) {
        const outcome = await outcomeOf(served, (guest) => callWith(guest, func, row));
        assert.equal(outcome, "trapped", `${func.name} with ${JSON.stringify(row)}`);
      }
    }
  },
);

importsTest("every import: any number in any place returns or traps", async (served) => {
  for (const func of functions) {
    const { core } = positionsOf(func);
    for (const [at, type] of core.entries()) {
      const values = type === "i64" ? [-1n, 2n ** 63n - 1n, 2n ** 32n + 1n] : numbers;
      for (const value of values) {
        await outcomeOf(served, (guest) => callWith(guest, func, { [at]: value })).catch(
          (error) => assert.fail(`${func.name} with ${value} at ${at}: ${error.stack}`),
        );
      }
    }
  }
});

importsTest("every import: traps where realloc returns an invalid pointer", async (served) => {
  let reallocating = 0;
  for (const func of functions) {
    // An empty list may be at the end of the memory.
    for (const pointer of [0xffff_ffff, memoryBytes + 1, 0x8000_0000, 1]) {
      let isAsked = false;
      const outcome = await outcomeOf(served, async (guest) => {
        const flat = await guest.validFlat(func);
        const before = guest.top;
        await guest.call(func.name, flat);
        isAsked = guest.top > before;
      });
      if (!isAsked || outcome !== "returned") break;
      reallocating++;
      const invalid = await outcomeOf(served, async (guest) => {
        const flat = await guest.validFlat(func);
        guest.answer = pointer;
        await guest.call(func.name, flat);
      });
      // A list of bytes and a string may lie anywhere in the memory.
      if (pointer !== 1) assert.equal(invalid, "trapped", `${func.name} with realloc ${pointer}`);
    }
  }
  assert.ok(reallocating > 20, `${reallocating} calls`);
});

importsTest(
  "every import: traps on a handle that is unknown, dropped or of another type",
  async (served) => {
    for (const func of functions) {
      for (const { at, type } of positionsOf(func).params) {
        const resource = resourceOf(type);
        if (!resource) continue;
        const other = resource.endsWith(" fields")
          ? "wasi:io/poll@0.2.4 pollable"
          : "wasi:http/types@0.2.4 fields";
        const makers: Record<string, (guest: EveryImport) => Promise<number>> = {
          "handle 0": () => Promise.resolve(0),
          "an unknown handle": () => Promise.resolve(1000),
          "the largest handle": () => Promise.resolve(0xffff_ffff),
          "a handle of another type": (guest) => guest.make(other),
          "a dropped handle": async (guest) => {
            const handle = await guest.make(resource);
            await guest.drop(resource, handle);
            return handle;
          },
        };
        for (const [title, make] of Object.entries(makers)) {
          const outcome = await outcomeOf(served, async (guest) => {
            const flat = await guest.validFlat(func);
            flat[at] = await make(guest);
            await guest.call(func.name, flat);
          });
          assert.equal(outcome, "trapped", `${func.name} with ${title}`);
        }
        if (type.kind !== "own") continue;
        const outcome = await outcomeOf(served, async (guest) => {
          const flat = await guest.validFlat(func);
          await guest.call(func.name, flat);
          await guest.call(func.name, flat);
        });
        assert.equal(outcome, "trapped", `${func.name} with a handle that it has taken`);
      }
    }
  },
);

importsTest("every resource: dropping an invalid handle traps", async (served) => {
  for (const resource of resources) {
    const other = resource.endsWith(" fields")
      ? "wasi:io/poll@0.2.4 pollable"
      : "wasi:http/types@0.2.4 fields";
    const drops: Record<string, (guest: EveryImport) => Promise<void>> = {
      "handle 0": (guest) => guest.drop(resource, 0),
      "an unknown handle": (guest) => guest.drop(resource, 1000),
      "the largest handle": (guest) => guest.drop(resource, 0xffff_ffff),
      "a handle of another type": async (guest) => guest.drop(resource, await guest.make(other)),
      "a dropped handle": async (guest) => {
        const handle = await guest.make(resource);
        await guest.drop(resource, handle);
        await guest.drop(resource, handle);
      },
    };
    for (const [title, drop] of Object.entries(drops)) {
      assert.equal(await outcomeOf(served, drop), "trapped", `${resource}: ${title}`);
    }
  }
});

importsTest(
  "every import: returns or traps once what its handle comes from is gone",
  async (served) => {
    for (const func of functions) {
      for (const { at, type } of positionsOf(func).params) {
        const resource = resourceOf(type);
        if (!resource) continue;
        for (const order of ["parents first", "children first"] as const) {
          await outcomeOf(served, async (guest) => {
            const flat = await guest.validFlat(func);
            const kept = Number(flat[at]);
            const others = guest.made.filter(({ handle }) => handle !== kept);
            if (order === "children first") others.reverse();
            for (const { resource, handle } of others) {
              // A handle that was passed on, and a parent with children, cannot be dropped.
              await guest.drop(resource, handle).catch(() => {});
            }
            await guest.call(func.name, flat);
          }).catch((error) => assert.fail(`${func.name}, ${order}: ${error.stack}`));
        }
      }
    }
  },
);
