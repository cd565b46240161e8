import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { replaceAdapter } from "../../../src/component/adapter/replace_adapter.ts";
import { standInModule } from "../../../src/component/adapter/stand_in_module.ts";
import { decodeComponent } from "../../../src/component/format/decode.ts";
import { linkComponent } from "../../../src/component/link/evaluate.ts";
import type { CoreInstantiation, Plan } from "../../../src/component/link/plan.ts";
import { runProgramForBytes } from "../../testing/system_program.ts";
import { buildText, componentTest } from "../../testing/wasm_tools.ts";

const file = fileURLToPath(new URL("../../testdata/adapter/calls.wasm", import.meta.url));

function isReplaced(bytes: Uint8Array<ArrayBuffer>): boolean {
  const plan = linkComponent(decodeComponent(bytes));
  return replaceAdapter(plan) !== plan;
}

/** Returns the component as text. */
async function printed(): Promise<string> {
  const { stdout } = await runProgramForBytes(["wasm-tools", "print", file], {});
  return new TextDecoder().decode(stdout);
}

Deno.test("replaceAdapter: puts a small module with the same exports in its place", async () => {
  const linked = linkComponent(decodeComponent(await Deno.readFile(file)));
  const plan = replaceAdapter(linked);
  assert.equal(plan.preview1?.functions.length, 14);
  const changed = plan.modules.filter((bytes, index) => bytes !== linked.modules[index]);
  assert.equal(changed.length, 1);
  const [standIn = new Uint8Array(0)] = changed;
  const adapter = linked.modules.find((bytes) => !plan.modules.includes(bytes));
  assert.ok(adapter);
  const names = (bytes: Uint8Array<ArrayBuffer>) =>
    WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map(({ name }) => name).sort();
  assert.deepEqual(names(standIn), names(adapter));
  assert.ok(standIn.length < adapter.length / 10);
});

Deno.test("replaceAdapter: leaves a component without an adapter unchanged", async () => {
  const native = new URL("../../testdata/rust/cli/cli.wasm", import.meta.url);
  assert.equal(isReplaced(await Deno.readFile(native)), false);
});

componentTest(
  "standInModule: makes the module of its description",
  async () => {
    const type = { params: ["i32"], results: ["i32"] };
    assert.deepEqual(
      standInModule([{ name: "fd_close", type }], ["cabi_import_realloc"]),
      await buildText(`(module
      (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))
      (export "fd_close" (func 0))
      (func (export "cabi_import_realloc") (param i32 i32 i32 i32) (result i32) unreachable))`),
    );
  },
);

/** Changes of the component's text after which its adapter cannot be replaced. */
const changes: Readonly<Record<string, readonly (readonly [from: RegExp, to: string])[]>> = {
  "one more export": [[/\(export "fd_close" (\(func \d+\))\)/, `$& (export "fd_advise" $1)`]],
  "an export that runs a program": [
    [/\(export "fd_close" (\(func \d+\))\)/, `$& (export "wasi:cli/run@0.2.3#run" $1)`],
  ],
  "an import that is not WASI's": [[/wasi:random\/random@0\.2\.3/g, "acme:random/random@0.2.3"]],
  "an import of a later WASI": [[/wasi:random\/random@0\.2\.3/g, "wasi:random/random@0.3.0"]],
  "a memory of its own": [[/\(global \(;0;\) \(mut i32\) i32\.const 0\)/, "(memory 1) $&"]],
  "data of its own": [[/\(export "fd_fdstat_get" \(func \d+\)\)/, `$& (data (i32.const 0) "x")`]],
};

for (const [what, edits] of Object.entries(changes)) {
  componentTest(`replace adapter: one with ${what} runs itself`, async () => {
    const text = await printed();
    assert.ok(isReplaced(await buildText(text)), "unchanged");
    let changed = text;
    for (const [from, to] of edits) {
      const before = changed;
      changed = changed.replace(from, to);
      assert.notEqual(changed, before, String(from));
    }
    assert.equal(isReplaced(await buildText(changed)), false);
  });
}

/** Returns the component with other imports of its adapter. */
async function withImports(
  change: (imports: CoreInstantiation["imports"]) => CoreInstantiation["imports"],
): Promise<Plan> {
  const plan = linkComponent(decodeComponent(await Deno.readFile(file)));
  const index = plan.coreInstances.findIndex(({ imports }) =>
    imports.some(({ module }) => module === "env")
  );
  const core = plan.coreInstances[index];
  assert.ok(core);
  const imports = change(core.imports);
  return { ...plan, coreInstances: plan.coreInstances.with(index, { ...core, imports }) };
}

Deno.test("replaceAdapter: keeps an adapter with one more import", async () => {
  const same = await withImports((imports) => [...imports]);
  assert.notEqual(replaceAdapter(same), same);
  for (
    const more of [
      { module: "__main_module__", name: "more" },
      { module: "env", name: "more" },
    ]
  ) {
    const plan = await withImports((imports) => [
      ...imports,
      { ...more, source: { kind: "export", instance: 1, name: "run" } },
    ]);
    assert.equal(replaceAdapter(plan), plan, more.name);
  }
});

Deno.test("replaceAdapter: keeps an adapter that does nothing for a function", async () => {
  for (const name of ["get-random-bytes", "get-environment", "get-directories", "exit"]) {
    const plan = await withImports((imports) => imports.filter((one) => one.name !== name));
    assert.equal(replaceAdapter(plan), plan, name);
  }
});

Deno.test("replaceAdapter: keeps an adapter that calls another function of WASI 0.2", async () => {
  const isReplacedWith = async (...path: string[]) => {
    const linked = linkComponent(decodeComponent(await Deno.readFile(file)));
    const lowered = linked.trampolines.find((one) =>
      one.kind === "lower" && one.source.kind === "host" && one.source.path[1] === "now"
    );
    assert.ok(lowered?.kind === "lower" && lowered.source.kind === "host");
    const trampoline = linked.trampolines.length;
    const called = { ...lowered, source: { ...lowered.source, path } };
    const [module = "", name = ""] = path;
    const plan = await withImports((imports) => [
      ...imports,
      { module, name, source: { kind: "trampoline", trampoline } },
    ]);
    const changed = { ...plan, trampolines: [...plan.trampolines, called] };
    return replaceAdapter(changed) !== changed;
  };
  assert.ok(await isReplacedWith("wasi:clocks/wall-clock@0.2.9", "now"));
  assert.ok(!await isReplacedWith("wasi:clocks/wall-clock@0.2.3", "resolution"));
  assert.ok(!await isReplacedWith("wasi:sockets/tcp@0.2.3", "now"));
});
