import { deepStrictEqual, ok } from "node:assert/strict";
import wabt from "wabt";
import { hostImports } from "../../src/host/imports.ts";
import { isComponentHeader } from "../../src/source/read_module.ts";

const root = new URL("../../", import.meta.url);

/** Formats a function type as WebAssembly text does. */
function typeText(parameters: number, result: string): string {
  return `${parameters > 0 ? ` (param${" i32".repeat(parameters)})` : ""}${result}`;
}

/** Yields the imports and exports of the core modules below the folders. */
async function* committedModules(parents: string[]) {
  const { readWasm } = await wabt();
  for (const parent of parents) {
    for await (const folder of Deno.readDir(new URL(parent, root))) {
      if (!folder.isDirectory) continue;
      for await (const file of Deno.readDir(new URL(`${parent}/${folder.name}`, root))) {
        if (!file.name.endsWith(".wasm")) continue;
        const path = `${parent}/${folder.name}/${file.name}`;
        const bytes = await Deno.readFile(new URL(path, root));
        if (isComponentHeader(bytes)) continue;
        const module = readWasm(bytes, { readDebugNames: false });
        yield { path, ...shapeOf(module.toText({})) };
        module.destroy();
      }
    }
  }
}

/** Parses the types, imports, functions and exports of WebAssembly text. */
function shapeOf(text: string) {
  const types = new Map(
    [...text.matchAll(/\(type \(;(\d+);\) \(func(.*)\)\)$/gm)].map((
      [, index, type],
    ) => [index, type]),
  );
  const functions = new Map(
    [...text.matchAll(/\(func \(;(\d+);\) \(type (\d+)\)/g)].map((
      [, index, type],
    ) => [index, types.get(type)]),
  );
  const imported = [...text.matchAll(/\(import "(.*)" "(.*)" \(func \(;\d+;\) \(type (\d+)\)\)\)/g)]
    .map(([, from = "", name = "", type]) => ({ from, name, type: types.get(type) }));
  const exported = new Map(
    [...text.matchAll(/\(export "(.*)" \(func (\d+)\)\)/g)].map((
      [, name, index],
    ) => [name, functions.get(index)]),
  );
  return { imported, exported, exportsMemory: text.includes('(export "memory" (memory 0))') };
}

/** Programs for any WASI runtime, written without the guest library. */
const plainPrograms = ["examples/cgi/cgi.wasm"];

Deno.test("sdk: committed modules import and export the contract's functions with its types", async () => {
  const used = new Set<string>();
  let count = 0;
  for await (
    const { path, imported, exported, exportsMemory } of committedModules([
      "examples",
      "tests/testdata/go",
    ])
  ) {
    count++;
    for (const { from, name, type } of imported) {
      if (from === "wasi_snapshot_preview1") continue;
      const parameters = hostImports[from]?.[name];
      ok(parameters, `${path} imports ${from}.${name}, which the contract does not have`);
      deepStrictEqual(
        type,
        typeText(parameters.length, ""),
        `${path} imports ${from}.${name} with another type`,
      );
      used.add(`${from}.${name}`);
    }
    ok(exportsMemory, `${path} does not export its memory`);
    const expected = plainPrograms.includes(path) ? { _start: typeText(0, "") } : {
      _start: typeText(0, ""),
      allocateBuffer: typeText(1, " (result i32)"),
      callHandle: typeText(2, " (result i64)"),
      callHandleHttp: typeText(4, " (result i64)"),
      malloc: typeText(1, " (result i32)"),
      free: typeText(1, ""),
    };
    const actual = Object.fromEntries(
      Object.keys(expected).map((name) => [name, exported.get(name)]),
    );
    deepStrictEqual(actual, expected, path);
  }
  ok(count > 30, `only ${count} modules were found`);
  const all = Object.entries(hostImports).flatMap(([from, names]) =>
    Object.keys(names).map((n) => `${from}.${n}`)
  );
  deepStrictEqual([...used].sort(), all.sort(), "each host function is used by a guest");
});

Deno.test("sdk: a program that does not use module capsule does not import it", async () => {
  for await (const { path, imported } of committedModules(["examples"])) {
    deepStrictEqual(imported.filter(({ from }) => from === "capsule"), [], path);
  }
});
