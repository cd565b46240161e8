import assert from "node:assert/strict";
import { headerBytes, targets, tripleOf } from "../../../scripts/compile/targets.ts";

/** The beginning of a program: `bytes` at their places, zeros elsewhere. */
function header(bytes: Record<number, number[]>): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(headerBytes);
  for (const [at, values] of Object.entries(bytes)) whole.set(values, Number(at));
  return whole;
}

const elf = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1];
const mach = [0xcf, 0xfa, 0xed, 0xfe];
const pe = { 0: [0x4d, 0x5a], 60: [0x80, 0, 0, 0], 0x80: [0x50, 0x45, 0, 0] };

Deno.test("tripleOf: returns the target of a program's header", async () => {
  const programs: Record<string, Uint8Array<ArrayBuffer>> = {
    "x86_64-unknown-linux-gnu": header({ 0: elf, 18: [62] }),
    "aarch64-unknown-linux-gnu": header({ 0: elf, 18: [183] }),
    "x86_64-apple-darwin": header({ 0: [...mach, 7, 0, 0, 1] }),
    "aarch64-apple-darwin": header({ 0: [...mach, 12, 0, 0, 1] }),
    "x86_64-pc-windows-msvc": header({ ...pe, 0x84: [0x64, 0x86] }),
  };
  assert.deepEqual(Object.keys(programs), targets.map(({ triple }) => triple));
  for (const [triple, bytes] of Object.entries(programs)) assert.equal(tripleOf(bytes), triple);

  using deno = await Deno.open(Deno.execPath());
  const bytes = new Uint8Array(headerBytes);
  await deno.read(bytes);
  assert.equal(tripleOf(bytes), Deno.build.target);
});

Deno.test("tripleOf: returns undefined for other files", () => {
  for (
    const bytes of [
      new Uint8Array(0),
      new Uint8Array(63).fill(0x7f),
      new TextEncoder().encode("#!/bin/sh\n".padEnd(100)),
      header({ 0: elf, 18: [40] }), // ARM with 32 bits
      header({ 0: [0x7f, 0x45, 0x4c, 0x46, 1, 1], 18: [62] }), // 32 bits
      header({ 0: [0x7f, 0x45, 0x4c, 0x46, 2, 2], 18: [0, 62] }), // big-endian
      header({ 0: [...mach, 18, 0, 0, 0] }), // PowerPC
      header({ ...pe, 0x84: [0x4c, 0x01] }), // x86 with 32 bits
      // Its header lies past the end.
      header({ 0: [0x4d, 0x5a], 60: [0xff, 0xff, 0xff, 0xff] }),
    ]
  ) assert.equal(tripleOf(bytes), undefined);
});
