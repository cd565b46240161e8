import assert from "node:assert/strict";
import type { Plan } from "../../../src/component/link/plan.ts";
import { shareBetween } from "../../../src/function/component/share_between.ts";
import { compileWat } from "../../prepare/modules.ts";

const mebibyte = 1 << 20;

/** A plan that instantiates each of these modules `times` times. */
function planOf(texts: readonly string[], times = 1): Plan {
  const modules = texts.map((text) => compileWat(text));
  const coreInstances = modules.flatMap((_, module) => Array(times).fill({ module, imports: [] }));
  const none = new Map();
  return {
    ...{ modules, coreInstances, trampolines: [], instances: [undefined] },
    ...{ resources: none, isAsync: false, imports: none, exports: none },
  };
}

/** Returns the pages to which the first module's memory grows. */
function pagesOf(plan: Plan): number {
  const [bytes = new Uint8Array()] = shareBetween(plan, 4 * mebibyte).map(({ bytes }) => bytes);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const memory = exports.m as WebAssembly.Memory;
  try {
    for (;;) memory.grow(1);
  } catch {
    return memory.buffer.byteLength / 65_536;
  }
}

const growing = `(module (memory (export "m") 1))`;
const shim = `(module (table 3 3 funcref))`;

Deno.test("shareBetween: a module that alone can grow has the whole maximum", () => {
  assert.equal(pagesOf(planOf([growing, shim])), 64);
});

Deno.test("shareBetween: instances that can grow have equal parts, also of one module", () => {
  assert.equal(pagesOf(planOf([growing, growing])), 32);
  assert.equal(pagesOf(planOf([growing], 8)), 8);
});

Deno.test("shareBetween: refuses instances that start above the maximum together", () => {
  const plan = planOf([`(module (memory 20))`], 4);
  assert.throws(() => shareBetween(plan, 4 * mebibyte), {
    code: "LOAD",
    message: "its memories start with 5MiB, more than -maxMemory=4MiB allows",
  });
  assert.throws(() => shareBetween(planOf([`(module (memory 80))`]), 4 * mebibyte), {
    code: "LOAD",
    message: /its memory starts with 5MiB, more than -maxMemory=4MiB allows$/,
  });
});

Deno.test("shareBetween: an instance that starts above its part cannot grow", () => {
  assert.equal(pagesOf(planOf([`(module (memory (export "m") 40))`, growing])), 40);
});
