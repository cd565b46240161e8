// Runs a program with the WASI implementation of the runtime (node:wasi):
// node_wasi.mjs FOLDER::NAME program.wasm NAME=value… -- args…
// node:wasi does not confine a guest to the preopened directory: run only trusted programs.
import { readFileSync } from "node:fs";
import process from "node:process";
import { WASI } from "node:wasi";

const [granted, file, ...rest] = process.argv.slice(2);
const [host, guest] = granted.split("::");
const at = rest.indexOf("--");
const wasi = new WASI({
  version: "preview1",
  args: [file, ...rest.slice(at + 1)],
  env: Object.fromEntries(rest.slice(0, at).map((text) => text.split("=", 2))),
  preopens: { [guest]: host },
  returnOnExit: true,
});
const module = await WebAssembly.compile(readFileSync(file));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
