/** Runs large programs as their authors published them, with their limits on. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runCapsule, startCapsule } from "../testing/capsule.ts";
import { runProgram } from "../testing/system_program.ts";
import { TemporaryFolder } from "../testing/temporary_folder.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Returns the folder of the programs, or undefined if they cannot be fetched here. */
async function fetchPrograms(): Promise<string | undefined> {
  if (!Deno.env.get("CAPSULE_TEST_FULL")) return undefined;
  const { code, stdout } = await runProgram([`${root}scripts/install_published_programs.sh`]);
  return code === 0 ? stdout.trim() : undefined;
}

const programs = await fetchPrograms();
const reason = Deno.env.get("CAPSULE_TEST_FULL")
  ? "the packages cannot be fetched here"
  : "only with CAPSULE_TEST_FULL";

function publishedTest(name: string, fn: (folder: string) => Promise<void>): void {
  if (programs !== undefined) return Deno.test(name, () => fn(programs));
  Deno.test({ name: `${name} (skipped: ${reason})`, ignore: true, fn() {} });
}

/** A time limit makes Capsule meter the program. */
const metered = "-timeout=10m";

publishedTest("CPython: runs its library, and stops at its deadline", async (folder) => {
  const python = ["-mode=cli", `-wasm=${folder}/python.wasm`];
  const code = `
import hashlib, json, re, sqlite3, sys, zlib
digest = hashlib.sha256("é".encode()).hexdigest()
text = zlib.decompress(zlib.compress(b"a" * 100000))
print(json.dumps([sys.version_info[:2], digest[:8], len(text), re.sub("b+", "é", "abbc"), sum(range(10**6))]))
`;
  const { code: exit, stdout, stderr } = await runCapsule([...python, metered, "--", "-c", code]);
  assert.equal(stderr, "");
  assert.deepEqual(JSON.parse(stdout), [[3, 12], "4a99557e", 100_000, "aéc", 499_999_500_000]);
  assert.equal(exit, 0);
  const failed = await runCapsule([...python, metered, "--", "-c", "import sys; sys.exit(7)"]);
  assert.equal(failed.code, 7);
  const endless = await runCapsule([...python, "-timeout=2s", "--", "-c", "while True: pass"]);
  assert.equal(endless.code, 124, endless.stderr);
});

publishedTest("CPython: a script of its folder responds to requests", async (folder) => {
  using files = new TemporaryFolder();
  files.write(
    "inside/app.py",
    `import os, sys
print("Content-Type: text/plain; charset=utf-8\\n")
print(os.environ["REQUEST_METHOD"], os.environ["PATH_INFO"], sys.stdin.read())
`,
  );
  await using server = await startCapsule([
    "-mode=http",
    `-wasm=${folder}/python.wasm`,
    `-dir=${files.inside}::/s`,
    "--",
    "/s/app.py",
  ]);
  for (const body of ["é", "second"]) {
    const response = await fetch(`${server.url}/a/b`, { method: "POST", body });
    assert.equal(await response.text(), `POST /a/b ${body}\n`);
  }
});

publishedTest("esbuild: bundles and minifies the files of its folder", async (folder) => {
  using files = new TemporaryFolder();
  files.write("inside/a.ts", 'import { b } from "./b.ts";\nconsole.log(b(3), "é");\n');
  files.write("inside/b.ts", "export const b = (x: number): number => x ** 2;\n");
  const flags = ["-mode=cli", `-wasm=${folder}/esbuild.wasm`, `-dir=${files.inside}::/`, metered];
  const args = ["--", "/a.ts", "--bundle", "--minify", "--charset=utf8", "--outfile=/out.js"];
  const { code, stderr } = await runCapsule([...flags, ...args]);
  assert.equal(code, 0, stderr);
  assert.equal(files.read("inside/out.js"), '(()=>{var o=r=>r**2;console.log(o(3),"é");})();\n');
});

publishedTest("yosys: synthesizes a counter", async (folder) => {
  using files = new TemporaryFolder();
  files.write(
    "inside/counter.v",
    `module counter(input clk, output reg [3:0] q);
  always @(posedge clk) q <= q + 1;
endmodule
`,
  );
  Deno.mkdirSync(files.at("temporary"));
  const script = "read_verilog /w/counter.v; synth -top counter; write_json /w/out.json";
  const { code, stderr } = await runCapsule([
    "-mode=cli",
    `-wasm=${folder}/yosys.wasm`,
    `-dir=${files.inside}::/w`,
    `-dir=${folder}/share::/share`,
    `-dir=${files.at("temporary")}::/tmp`,
    metered,
    ...["--", "-q", "-p", script],
  ]);
  assert.equal(code, 0, stderr);
  const { modules } = JSON.parse(files.read("inside/out.json"));
  const cells = Object.values<{ type: string }>(modules.counter.cells);
  assert.equal(cells.filter(({ type }) => type === "$_DFF_P_").length, 4);
});
