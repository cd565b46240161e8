import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { TemporaryFolder } from "../testing/temporary_folder.ts";
import { runCapsule } from "../testing/capsule.ts";
import { buildGo, goTest } from "../testing/go_program.ts";
import { runProgram } from "../testing/system_program.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A published program and its runs in a folder with files of this project. */
interface Foreign {
  readonly package: string;
  readonly runs: readonly { readonly args: readonly string[]; readonly stdin?: string }[];
}

/** Modules and versions are those of `tests/testdata/foreign/go.mod`; Go downloads them. */
const programs: Readonly<Record<string, Foreign>> = {
  gojq: {
    package: "github.com/itchyny/gojq/cmd/gojq",
    runs: [
      { args: ["[paths] | length", "deno.json"] },
      { args: ["-r", "--arg", "a", "é", ".tasks | keys[], $a, input_filename", "deno.json"] },
      { args: ["--yaml-output", ".", "deno.json"] },
      { args: ["-c", ".[] | . * 2"], stdin: '[1, 2.5, "☹"]' },
      { args: ["-n", "[range(100000)] | add, (map(sqrt) | length)"] },
      { args: [".["] },
      { args: ["-e", ".nothing", "deno.json"] },
    ],
  },
  markdownfmt: {
    package: "github.com/Kunde21/markdownfmt/v3/cmd/markdownfmt",
    runs: [
      { args: ["README.md", "src.md", "examples.md"] },
      { args: ["-l", "."] },
      { args: ["-d", "README.md"] },
      { args: [], stdin: "# é\n* a\n* b\n\n\n| a | b |\n|-|-|\n| ☹ | 1 |\n" },
      { args: ["-w", "README.md", "src.md", "examples.md"] },
    ],
  },
  shfmt: {
    package: "mvdan.cc/sh/v3/cmd/shfmt",
    runs: [
      { args: ["-l", "."] },
      { args: ["-f", "."] },
      { args: ["-i", "4", "-d", "ci.sh", "build.sh"] },
      { args: ["-tojson"], stdin: "a=(1 2); echo ${a[@]} | wc -l\n" },
      { args: ["-p"], stdin: "a=(1 2)\n" },
      { args: ["-mn", "-w", "ci.sh", "build.sh"] },
    ],
  },
};

/** Makes a folder of real files: texts, data and scripts of this project. */
function realFiles(folder: string): void {
  Deno.mkdirSync(folder);
  const files = {
    "README.md": "README.md",
    "src.md": "src/README.md",
    "examples.md": "examples/README.md",
    "deno.json": "deno.json",
    "ci.sh": ".ci/run",
    "build.sh": "scripts/build_examples.sh",
  };
  for (const [name, path] of Object.entries(files)) {
    Deno.copyFileSync(`${root}${path}`, `${folder}/${name}`);
  }
}

function contents(folder: string): Record<string, string> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  return Object.fromEntries(
    names.map((name) => [name, Deno.readTextFileSync(`${folder}/${name}`)]),
  );
}

function runNative(program: string, cwd: string, { args, stdin }: Foreign["runs"][number]) {
  return runProgram([program, ...args], { cwd, env: { PWD: cwd }, input: stdin });
}

for (const [name, { package: source, runs }] of Object.entries(programs)) {
  goTest(`${name}: prints and writes the same bytes as its native build`, async () => {
    using folder = new TemporaryFolder();
    const native = folder.at(name);
    const wasm = folder.at(`${name}.wasm`);
    await buildGo(`${root}tests/testdata/foreign`, {
      output: native,
      package: source,
      native: true,
    });
    await buildGo(`${root}tests/testdata/foreign`, { output: wasm, package: source });
    const [ours, theirs] = [folder.at("inside/ours"), folder.at("inside/theirs")];
    for (const made of [ours, theirs]) realFiles(made);
    for (const run of runs) {
      const expected = await runNative(native, theirs, run);
      const { code, stdout, stderr } = await runCapsule(
        ["-mode=cli", `-wasm=${wasm}`, "-dir=.::/", "-env=PWD=/", "--", ...run.args],
        { cwd: ours, stdin: run.stdin ?? "" },
      );
      assert.deepEqual({ code, stdout, stderr }, expected, run.args.join(" "));
      assert.deepEqual(contents(ours), contents(theirs), run.args.join(" "));
    }
  });
}
