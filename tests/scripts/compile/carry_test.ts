import assert from "node:assert/strict";
import { carryBefore } from "../../../scripts/compile/carry.ts";
import { dataStart, trailerBytes } from "../../../src/base/build.ts";

const base = [1, 2, 3];
const data = [4, 5];
/** `data` and the trailer are 18 bytes. */
const end = [...data, 0x1e, 0x50, 0, 0, 9, 9, 9, 9, 18, 0, 0, 0, 0, 0, 0, 0];

async function carried(
  program: number[],
): Promise<{ did: boolean; bytes: number[]; mode: number | null }> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, new Uint8Array(program), { mode: 0o755 });
    await Deno.chmod(path, 0o755);
    const did = await carryBefore(path, new Uint8Array([7, 7, 7]));
    const { mode } = await Deno.stat(path);
    return { did, bytes: [...await Deno.readFile(path)], mode: mode && mode & 0o777 };
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("carry: bytes lie before the program's data, and the program still runs", async () => {
  assert.deepEqual(await carried([...base, ...end]), {
    did: true,
    bytes: [...base, 7, 7, 7, ...end],
    mode: 0o755,
  });
});

Deno.test("carry: leaves a file without the trailer unchanged", async () => {
  const others = [
    [],
    base,
    end.slice(1), // says that it is longer than it is
    [...base, ...end.with(2, 0x1f)], // another mark
    [...base, ...end.with(10, 16)], // no data
    [...base, ...end.with(17, 255)], // a length past all numbers
  ];
  for (const bytes of others) {
    assert.deepEqual(await carried(bytes), { did: false, bytes, mode: 0o755 });
  }
});

Deno.test("carry: finds the start of a program's data from its end", () => {
  const trailer = new Uint8Array(end).slice(-trailerBytes);
  assert.equal(dataStart(trailer, 100), 82);
  assert.equal(dataStart(trailer, 18), 0);
  assert.equal(dataStart(trailer, 17), undefined);
});
