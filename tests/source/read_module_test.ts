import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readModule } from "../../src/source/read_module.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const magic = [0, 0x61, 0x73, 0x6d];
const wasm = Uint8Array.of(...magic, 1, 0, 0, 0, 0, 2, 1, 0x78);

Deno.test("readModule: reads a file of any name", async () => {
  await inFolder(async (folder) => {
    for (const name of ["a.wasm", "ünïcode 👋", "with space.txt"]) {
      await Deno.writeFile(`${folder}/${name}`, wasm);
      assert.deepEqual(readModule(`${folder}/${name}`), wasm);
    }
  });
});

Deno.test("readModule: reads files of any size whole", async () => {
  await inFolder(async (folder) => {
    for (const length of [8, 65_535, 65_536, 65_537, 131_072, 300_001]) {
      const bytes = Uint8Array.from({ length }, (_, at) => wasm[at] ?? at % 251);
      await Deno.writeFile(`${folder}/a.wasm`, bytes);
      assert.ok(Buffer.from(bytes).equals(readModule(`${folder}/a.wasm`)), `${length} bytes`);
    }
  });
});

Deno.test("readModule: refuses what is not a module, with its path and what it is instead", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/x.wasm`;
  try {
    const rows: [Uint8Array, string, RegExp][] = [
      [new Uint8Array(), "NOT_A_MODULE", /x\.wasm is not a WebAssembly module: it is empty/],
      [Uint8Array.of(...magic), "NOT_A_MODULE", /ends within its first 8 bytes/],
      [Uint8Array.of(...magic, 2, 0, 0, 0), "NOT_A_MODULE", /its version is 2/],
      [Uint8Array.of(...magic, 14, 0, 1, 0), "NOT_A_MODULE", /it is a component of version 14/],
      [new TextEncoder().encode("package main\n"), "NOT_A_MODULE", /begins with "package "/],
      [
        Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0),
        "NOT_A_MODULE",
        /begins with 7f 45 4c 46 02 01 01 00/,
      ],
    ];
    for (const [bytes, code, message] of rows) {
      await Deno.writeFile(path, bytes);
      assert.throws(() => readModule(path), { code, message });
    }
    assert.throws(() => readModule(folder), {
      code: "LOAD",
      message: /cannot load .*: it is a directory/,
    });
    assert.throws(() => readModule(`${folder}/none.wasm`), {
      code: "LOAD",
      message: /none\.wasm: no such file/,
    });
    assert.throws(() => readModule(""), { code: "LOAD", message: /cannot load "": no such file/ });
    if (Deno.build.os !== "windows") {
      assert.throws(() => readModule("/dev/zero"), {
        code: "NOT_A_MODULE",
        message: /\/dev\/zero.*it begins with 00/,
      });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
