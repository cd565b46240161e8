/**
 * Fills an embedded store until its disk is full, then frees space:
 * `sqlite_full_disk_child.ts <folder>`. The small disk is mounted only for this process.
 */
import assert from "node:assert/strict";
import { EmbeddedStore } from "../../src/store/sqlite.ts";
import { patient, utf8 } from "./key_value_contract.ts";

const [folder = ""] = Deno.args;
const ballast = `${folder}/ballast`;
await Deno.writeFile(ballast, new Uint8Array(2_000_000));
const store = new EmbeddedStore({ kind: "embedded", folder: `${folder}/.capsule` });
const value = (index: number) => new Uint8Array(200_000).fill(index);
const there = new Set<number>();
for (let index = 0; index < 20; index++) {
  try {
    await store.set(utf8(`${index}`), value(index), patient);
    there.add(index);
  } catch (error) {
    assert.equal((error as Error).message, `${store.description}: database or disk is full`);
  }
}
assert.ok(there.size > 0 && there.size < 20, `${there.size} values`);
for (let index = 0; index < 20; index++) {
  const expected = there.has(index) ? value(index) : null;
  assert.deepEqual(await store.get(utf8(`${index}`), patient), expected);
}
await Deno.remove(ballast);
await store.set(utf8("after"), value(1), patient);
assert.equal((await store.keys(utf8("*"), patient)).length, there.size + 1);
await store.close();
