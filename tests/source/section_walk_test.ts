import assert from "node:assert/strict";
import { SectionWalk } from "../../src/source/section_walk.ts";

const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const component = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];

/** Returns the fault of bytes that are walked in pieces of these lengths. */
function faultOf(bytes: Uint8Array, lengths: readonly number[] = [bytes.length]) {
  const walk = new SectionWalk();
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const end = at + (lengths[turn % lengths.length] ?? 1);
    walk.push(bytes.subarray(at, end));
    at = end;
  }
  return walk.fault("x")?.message;
}

/** Returns the position after each section, by its id. */
function sectionEnds(bytes: Uint8Array): Map<number, number> {
  const ends = new Map<number, number>();
  for (let at = 8; at < bytes.length;) {
    const id = bytes[at++] ?? 0;
    let size = 0;
    for (let shift = 0;; shift += 7) {
      const byte = bytes[at++] ?? 0;
      size += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    at += size;
    ends.set(id, at);
  }
  return ends;
}

Deno.test("SectionWalk: finds a real module that is cut anywhere up to the end of its data", async () => {
  const path = new URL("../../examples/hello-cli/hello.wasm", import.meta.url);
  const bytes = await Deno.readFile(path);
  for (const lengths of [[bytes.length], [1], [3, 1000, 7]]) {
    assert.equal(faultOf(bytes, lengths), undefined);
  }
  const ends = sectionEnds(bytes);
  const dataEnd = ends.get(11) ?? 0;
  assert(dataEnd > 1000 && ends.has(3) && ends.has(12));
  // The header alone is the empty module, and it may also have types and imports.
  const complete = new Set([8, ends.get(1), ends.get(2)]);
  for (const end of ends.values()) if (end >= dataEnd) complete.add(end);
  const cuts = new Set([...Array(200).keys(), ...ends.values(), dataEnd - 1]);
  for (let cut = 200; cut < dataEnd; cut += 97) cuts.add(cut);
  for (const cut of cuts) {
    const isModule = complete.has(cut);
    assert.equal(faultOf(bytes.subarray(0, cut)) === undefined, isModule, `cut at ${cut}`);
  }
});

Deno.test("SectionWalk: names what is wrong with the bytes", () => {
  const rows: [number[], RegExp | undefined][] = [
    [[], /it is empty/],
    [header, undefined],
    [[...header, 0, 2, 1, 0x78], undefined],
    [[...header, 0, 0x82, 0x80, 0x80, 0x80, 0, 1, 0x78], undefined],
    [[...header, 0, 2, 1], /in the middle of a section/],
    [[...header, 0], /in the middle of a section/],
    [[...header, 14, 0], /there is no section 14 \(at byte 8\)/],
    [[...header, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0], /over 32 bits/],
    [[...header, 0, 0xff, 0xff, 0xff, 0xff, 0x1f], /over 32 bits/],
    [[...header, 3, 2, 1, 0], /its code section is missing/],
    [[...header, 3, 1, 0], undefined],
    [[...header, 3, 2, 1, 0, 10, 4, 1, 2, 0, 0x0b], undefined],
    [[...header, 12, 1, 1], /its data section is missing/],
    [[...header, 12, 1, 0], undefined],
    [[...header, 12, 1, 1, 11, 1, 0], undefined],
    // The same ids are other sections in a component: 3 is core types, 12 values.
    [[...component, 3, 2, 1, 0, 12, 1, 1], undefined],
    [[...component, 1, 9, ...header], /in the middle of a section/],
    [[...component, 13, 0], /there is no section 13 \(at byte 8\)/],
  ];
  for (const [bytes, message] of rows) {
    for (const lengths of [[100], [1]]) {
      const fault = faultOf(Uint8Array.from(bytes), lengths);
      if (message === undefined) assert.equal(fault, undefined, bytes.join(" "));
      else assert.match(fault ?? "", message, bytes.join(" "));
    }
  }
});

Deno.test("SectionWalk: a copy continues independently", () => {
  const walk = new SectionWalk();
  walk.push(Uint8Array.of(...header, 3, 2));
  const copy = walk.copy();
  copy.push(Uint8Array.of(1, 0, 10, 4, 1, 2, 0, 0x0b));
  assert.equal(copy.fault("x"), undefined);
  assert.match(walk.fault("x")?.message ?? "", /in the middle/);
  walk.push(Uint8Array.of(1, 0));
  assert.match(walk.fault("x")?.message ?? "", /code section is missing/);
});
