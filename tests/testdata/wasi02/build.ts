/**
 * Builds `everything.wasm`: a component that imports every function of WASI 0.2.4, and whose core
 * module exports each of them again, so that a test calls it with any core values.
 *
 * ```sh
 * deno run -A tests/testdata/wasi02/build.ts FOLDER
 * ```
 *
 * Needs wasm-tools. FOLDER has the WIT of WASI 0.2.4 in `deps`, as the folder `wit` of the Rust
 * crate `wasi` 0.14.4 has.
 */
const [wit] = Deno.args;
if (!wit) throw new Error("the folder with the WIT of WASI 0.2.4 is missing");
const here = new URL(".", import.meta.url).pathname;
const work = await Deno.makeTempDir();

async function wasmTools(...args: string[]): Promise<void> {
  const { success } = await new Deno.Command("wasm-tools", { args }).spawn().status;
  if (!success) throw new Error(`wasm-tools ${args[0]} failed`);
}

await Deno.mkdir(`${work}/wit`);
await wasmTools("--version");
await new Deno.Command("cp", { args: ["-r", `${wit}/deps`, `${work}/wit/deps`] }).output();
await Deno.copyFile(`${here}everything.wit`, `${work}/wit/world.wit`);
await wasmTools(
  ...["component", "embed", "--dummy-names", "legacy", "--world", "everything", `${work}/wit`],
  ...["-t", "-o", `${work}/dummy.wat`],
);
const dummy = await Deno.readTextFile(`${work}/dummy.wat`);
const lines = dummy.split("\n");
const isKept = (line: string) => /^ {2}\((?:type|import|@custom)/.test(line);
const handler = lines.find((line) => line.includes("incoming-handler") && line.includes("export"));
const name = /"([^"]*#handle)"/.exec(handler ?? "")?.[1];
const exported = lines.flatMap((line) => {
  const [, module, name, index] =
    /^ {2}\(import "([^"]+)" "([^"]+)" \(func \(;(\d+);\)/.exec(line) ??
      [];
  return index === undefined ? [] : [`  (export "${module}#${name}" (func ${index}))`];
});
const text = `(module
${lines.filter((line) => isKept(line) && !line.includes("@custom")).join("\n")}
  (memory (export "memory") 2)
  (global $top (export "top") (mut i32) (i32.const 4096))
  (global $answer (export "answer") (mut i64) (i64.const -1))
  (global $request (export "request") (mut i32) (i32.const 0))
  (global $outparam (export "outparam") (mut i32) (i32.const 0))
  (func (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32)
    (param $new i32) (result i32) (local $at i32)
    (if (i64.ge_s (global.get $answer) (i64.const 0))
      (then (return (i32.wrap_i64 (global.get $answer)))))
    (local.set $at (i32.and
      (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $top (i32.add (local.get $at) (local.get $new)))
    (local.get $at))
  (func (export "${name}") (param i32 i32)
    (global.set $request (local.get 0)) (global.set $outparam (local.get 1)))
${exported.join("\n")}
${lines.filter((line) => line.includes("@custom")).join("\n")})`;
await Deno.writeTextFile(`${work}/core.wat`, text);
await wasmTools("component", "new", `${work}/core.wat`, "-o", `${work}/all.wasm`);
await wasmTools("strip", "--all", `${work}/all.wasm`, "-o", `${here}everything.wasm`);
await Deno.remove(work, { recursive: true });
