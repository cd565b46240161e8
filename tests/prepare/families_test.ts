import assert from "node:assert/strict";
import fc from "fast-check";
import { prepareModule } from "../../src/prepare/prepare.ts";
import type { ValueType } from "../../src/prepare/format/value_types.ts";
import { patientHost, watModules } from "./modules.ts";

type Call = (...args: (number | bigint)[]) => unknown;

function instantiate(
  bytes: Uint8Array<ArrayBuffer>,
  host: WebAssembly.ModuleImports,
): WebAssembly.Exports {
  const env = { mix: (a: number, b: number) => Math.imul(a, 31) ^ b, base: 7 };
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { env, "capsule:prepare": host })
    .exports;
}

/** Describes the result of a call, or how it failed: -0 counts, the bits of a NaN do not. */
function outcome(call: unknown, args: (number | bigint)[]): string {
  try {
    const result = (call as Call)(...args);
    return JSON.stringify(
      [result].flat(),
      (_key, value) => typeof value === "bigint" ? `${value}n` : show(value),
    );
  } catch (error) {
    // `WebAssembly.Exception` is not an Error.
    return error instanceof Error
      ? `${error.name}: ${error.message}`
      : Object.prototype.toString.call(error);
  }
}

function show(value: unknown): unknown {
  return typeof value === "number" ? (Object.is(value, -0) ? "-0" : String(value)) : value;
}

function bytesOf(memory: unknown): Uint8Array {
  return memory instanceof WebAssembly.Memory ? new Uint8Array(memory.buffer) : new Uint8Array();
}

const arbitrary: Partial<Record<ValueType, fc.Arbitrary<number | bigint>>> = {
  i32: fc.oneof(
    fc.integer(),
    fc.integer({ min: -3, max: 100 }),
    fc.constantFrom(0x7fffffff, -0x80000000),
  ),
  i64: fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.bigInt({ min: -3n, max: 50n }),
  ),
  f32: fc.float(),
  f64: fc.double(),
};

for (const { name, bytes } of watModules()) {
  Deno.test(`prepareModule: ${name} has the same results before and after`, () => {
    const prepared = prepareModule(bytes, {
      exportGlobals: true,
      quietExit: true,
      steps: true,
    });
    assert(prepared.kind === "prepared");
    assert(prepared.counterExport !== undefined, "the module should have a check");
    const functions = prepared.module.exports.filter(({ kind }) => kind === "function");
    const call = fc.constantFrom(...functions).chain(({ name, type }) =>
      fc.tuple(
        fc.constant(name),
        fc.tuple(...(type?.params ?? []).map((param) => arbitrary[param] ?? fc.constant(0))),
      )
    );
    const budgets = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1 });
    let ticks = 0;
    const property = fc.property(
      fc.array(call, { minLength: 1, maxLength: 12 }),
      budgets,
      (calls, budgets) => {
        const budget = () => budgets[ticks++ % budgets.length] ?? 0;
        const before = instantiate(bytes, {});
        const after = instantiate(prepared.bytes, patientHost(budget));
        for (const [name, args] of calls) {
          assert.equal(outcome(after[name], args), outcome(before[name], args), `${name}(${args})`);
        }
        assert.deepEqual(bytesOf(after.memory), bytesOf(before.memory));
      },
    );
    fc.assert(property, { numRuns: 60 });
    assert(ticks > 0, "the step counter should run out at least once");
  });
}
