import assert from "node:assert/strict";
import { TemporaryFolder } from "../testing/temporary_folder.ts";
import { preview1Names } from "../../src/wasi/imports.ts";
import { runProgram } from "./run_program.ts";

/** C programs that each call one function with wrong arguments, named for function and fault. */
const programs = new URL("../testdata/wasi/functions/", import.meta.url);
const names = [...Deno.readDirSync(programs)].map(({ name }) => name).filter((name) =>
  name.endsWith(".wasm")
)
  .map((name) => name.slice(0, -".wasm".length)).sort();

for (const name of names) {
  Deno.test(`wrong call from C: ${name}`, async () => {
    using folder = new TemporaryFolder();
    folder.write("decoy", "decoy");
    folder.write("inside/file", "hello");
    folder.write("inside/folder/inside", "");
    folder.link("file", "inside/link");
    const wasm = await Deno.readFile(new URL(`${name}.wasm`, programs));
    const { exitCode, stderr } = await runProgram(wasm, {
      env: { A: "b" },
      preopens: [{ host: folder.inside, guest: "/data" }],
    });
    assert.equal(stderr, "");
    assert.equal(exitCode, 0, `line ${exitCode} of ${name}.c expects another result`);
    // No wrong call has a side effect.
    assert.equal(folder.read("inside/file"), "hello");
    assert.deepEqual([...Deno.readDirSync(folder.inside)].map(({ name }) => name).sort(), [
      ...["file", "folder", "link"],
    ]);
    assert.deepEqual([...Deno.readDirSync(folder.at("inside/folder"))].map(({ name }) => name), [
      "inside",
    ]);
  });
}

Deno.test("wrong calls from C: every function of preview1 has a program, which imports it", () => {
  assert.deepEqual(names.map((name) => name.split("-")[0]), [...preview1Names].sort());
  for (const name of names) {
    const module = new WebAssembly.Module(Deno.readFileSync(new URL(`${name}.wasm`, programs)));
    const imports = WebAssembly.Module.imports(module).map(({ name }) => name);
    assert.ok(imports.includes(name.split("-")[0] ?? ""), `${name} imports ${imports.join(", ")}`);
  }
});
