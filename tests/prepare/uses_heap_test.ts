import assert from "node:assert/strict";
import { usesHeap } from "../../src/prepare/uses_heap.ts";
import { compileWat } from "./modules.ts";

Deno.test("usesHeap: true for exceptions and types of the garbage collector only", () => {
  const of = (text: string) => usesHeap(compileWat(`(module ${text})`));
  assert.equal(of(`(tag (param i64))`), true);
  assert.equal(of(`(type (struct (field i32)))`), true);
  assert.equal(of(`(memory 1) (table 10 funcref) (func (param externref v128))`), false);
});
