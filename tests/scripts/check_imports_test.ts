import assert from "node:assert/strict";
import {
  forbiddenImports,
  importCircles,
  readImports,
  sharedTypeNames,
} from "../../scripts/check_imports.ts";
import { inFolder } from "../testing/temporary_folder.ts";

Deno.test("importCircles: returns the files of each circle, and no file outside of one", () => {
  const graph = new Map([
    ["base/errors.ts", []],
    ["wasi/state.ts", ["wasi/clock.ts", "base/errors.ts"]],
    ["wasi/clock.ts", ["wasi/streams.ts"]],
    ["wasi/streams.ts", ["wasi/state.ts", "base/errors.ts"]],
    ["wasi/wasi.ts", ["wasi/state.ts"]],
    ["host/a.ts", ["host/b.ts"]],
    ["host/b.ts", ["host/a.ts", "wasi/clock.ts"]],
  ]);
  assert.deepEqual(importCircles(graph), [
    ["wasi/clock.ts", "wasi/state.ts", "wasi/streams.ts"],
    ["host/a.ts", "host/b.ts"],
  ]);
});

Deno.test("forbiddenImports: names the file, its room and what the room may import", () => {
  const graph = new Map([
    ["base/errors.ts", ["base/io.ts"]],
    ["base/io.ts", ["store/open.ts"]],
    ["cellar/rat.ts", []],
    ["wasm/guest.ts", ["base/errors.ts", "cli/run.ts"]],
  ]);
  assert.deepEqual(forbiddenImports(graph), [
    'base/io.ts: room "base" may not import store/open.ts (it knows nothing)',
    'cellar/rat.ts: "cellar" is not a room of src/README.md',
    'wasm/guest.ts: room "wasm" may not import cli/run.ts (it knows prepare, base)',
  ]);
});

Deno.test("readImports: finds static, type, lazy and re-exporting imports of files in src", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/modes/deep`, { recursive: true });
    await Deno.writeTextFile(
      `${folder}/modes/deep/a.ts`,
      `import type { B } from "../b.ts";
import {
  c,
} from "./c.ts";
export * from "../../base/d.ts";
import "../../base/e.ts";
import config from "../../../deno.json" with { type: "json" };
import { z } from "zod";
const f = await import("../../base/f.ts");
`,
    );
    await Deno.writeTextFile(`${folder}/modes/README.md`, 'import "./nothing.ts"');
    assert.deepEqual([...await readImports(folder)], [
      ["modes/deep/a.ts", ["modes/b.ts", "modes/deep/c.ts", "base/d.ts", "base/e.ts", "base/f.ts"]],
    ]);
  }));

Deno.test("sharedTypeNames: names the files that export types with the same name", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/wasm`);
    await Deno.writeTextFile(`${folder}/wasm/a.ts`, "export class Caller {}\ntype Own = 1;\n");
    await Deno.writeTextFile(
      `${folder}/wasm/b.ts`,
      "export interface Caller {}\nexport type Own = 2;\nexport const Caller = 1;\n",
    );
    assert.deepEqual(await sharedTypeNames(folder), [
      "wasm/a.ts and wasm/b.ts export types with the same name: Caller",
    ]);
  }));
