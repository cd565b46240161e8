import assert from "node:assert/strict";
import { Fields, fieldsFunctions02, fieldsFunctions03 } from "../../../src/wasi/p2/fields.ts";

type Result = { tag: "ok" | "error"; value: unknown };
type Entry = [name: string, value: Uint8Array];

const versions = [
  ["0.2", fieldsFunctions02, "invalid-syntax"],
  ["0.3", fieldsFunctions03, "size-exceeded"],
] as const;
const maxFields = 10_000;
const maxBytes = 1 << 20;
const bytes = (length: number) => new Uint8Array(length).fill(0x61);

for (const [version, functions, tooLong] of versions) {
  const call = (name: string, ...args: unknown[]) => {
    const func = functions[name] as (...args: unknown[]) => Result;
    return func(...args);
  };
  const append = (fields: Fields, name: string, value: Uint8Array) =>
    call("[method]fields.append", fields, name, value);
  const refused = { tag: "error", value: { tag: tooLong } };

  Deno.test(`fields: a list of WASI ${version} has a limit in fields and in bytes`, () => {
    const many = new Fields();
    for (let count = 0; count < maxFields; count++) {
      assert.equal(append(many, "a", bytes(0)).tag, "ok");
    }
    assert.deepEqual(append(many, "a", bytes(0)), refused);
    const large = new Fields();
    assert.equal(append(large, "a", bytes(maxBytes - 1)).tag, "ok");
    assert.deepEqual(append(large, "a", bytes(0)), refused);
    assert.deepEqual(call("[method]fields.set", new Fields(), "a", [bytes(maxBytes)]), refused);

    const list = (entries: Entry[]) => call("[static]fields.from-list", entries);
    assert.equal(list(Array(maxFields).fill(["a", bytes(0)])).tag, "ok");
    assert.deepEqual(list(Array(maxFields + 1).fill(["a", bytes(0)])), refused);
    assert.deepEqual(list([["a", bytes(maxBytes)]]), refused);
  });

  Deno.test(`fields: WASI ${version} does not count what was replaced, deleted or refused`, () => {
    const fields = new Fields();
    const half = bytes(maxBytes / 2);
    for (let round = 0; round < 4; round++) {
      assert.equal(call("[method]fields.set", fields, "A", [half]).tag, "ok");
      assert.deepEqual(append(fields, "b", half), refused);
      assert.equal(append(fields, "b", half.subarray(2)).tag, "ok");
      assert.equal(call("[method]fields.delete", fields, "B").tag, "ok");
    }
    assert.deepEqual(fields.get("a"), [half]);
  });
}
