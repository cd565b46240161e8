import assert from "node:assert/strict";
import { TemporaryFolder } from "../files/temporary_folder.ts";
import { type Description, type Expectations, judge, programsIn, runOne, runSuite } from "./suite.ts";

/** A folder of programs in the public suite's format, to run them all. */
const suite = Deno.env.get("CAPSULE_WASI_SUITE");

Deno.test({
  name: "every program of the suite at CAPSULE_WASI_SUITE does as suite_expectations.json says",
  ignore: suite === undefined,
  async fn() {
    if (suite === undefined) return;
    const path = new URL("suite_expectations.json", import.meta.url);
    const expectations = JSON.parse(Deno.readTextFileSync(path)) as Expectations;
    const results = await runSuite(suite, expectations, 30_000);
    const passed = results.filter(({ failure }) => failure === undefined).length;
    const unable = Object.keys(expectations.cannotRun).length;
    console.log(`${passed} passed, ${results.length - passed} failed, ${unable} cannot run here`);
    assert.deepEqual(judge(programsIn(suite), results, expectations), []);
  },
});

/** A suite of programs from `tests/testdata/wasi`, each under another name. */
function smallSuite(folder: TemporaryFolder, programs: Record<string, [string, Description?]>): string {
  for (const [name, [program, description]] of Object.entries(programs)) {
    Deno.copyFileSync(
      new URL(`../testdata/wasi/${program}.wasm`, import.meta.url),
      folder.at(`outside/${name}.wasm`),
    );
    if (description) folder.write(`outside/${name}.json`, JSON.stringify(description));
  }
  return folder.at("outside");
}

const none: Expectations = { cannotRun: {}, fails: {} };

Deno.test("a suite's programs get their arguments, environment and folder, and are judged by code and output", async () => {
  using folder = new TemporaryFolder();
  const args = ["", "👋"];
  const right = { args, env: { NAME: "é=" }, exit_code: 7, stdout: "[]\n[👋]\nNAME=é=\n" };
  const suite = smallSuite(folder, {
    "right": ["echo", right],
    "wrong-code": ["echo", { ...right, exit_code: 8 }],
    "wrong-output": ["echo", { ...right, stdout: "no" }],
    "trap": ["trap"],
    "root": ["escape", {
      root: "files.dir",
      args: ["/a", "/../outside/right.json"],
      stdout: "/a: read, written\n/../outside/right.json: Operation not permitted, Operation not permitted\n",
    }],
    "dirs": ["escape", {
      dirs: ["files.dir"],
      args: ["files.dir/a"],
      stdout: "files.dir/a: read, written\n",
    }],
    "never-run": ["trap"],
  });
  folder.write("outside/files.dir/a", "kept");
  const results = await runSuite(suite, { ...none, cannotRun: { "never-run": "why" } }, 60_000);
  assert.deepEqual(results.map(({ name, failure }) => [name, failure?.split("\n")[0]]), [
    ["dirs", undefined],
    ["right", undefined],
    ["root", undefined],
    ["trap", "exit code 134, not 0"],
    ["wrong-code", "exit code 7, not 8"],
    ["wrong-output", 'printed "[]\\n[👋]\\nNAME=é=\\n", not "no"'],
  ]);
  assert.equal(folder.read("outside/files.dir/a"), "kept", "programs work on a copy");
});

/** `(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))` */
const endless = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1],
  ...[7, 19, 2, 6, 109, 101, 109, 111, 114, 121, 2, 0, 6, 95, 115, 116, 97, 114, 116, 0, 0],
  ...[10, 9, 1, 7, 0, 3, 64, 12, 0, 11, 11],
);

Deno.test("a suite's program that never ends is a failure, not a hang", async () => {
  using folder = new TemporaryFolder();
  folder.write("outside/endless.wasm", endless);
  assert.equal(await runOne(folder.at("outside"), "endless", 500), "did not end within 500 ms");
});

Deno.test("a suite's description must be understood whole and stay in the suite", async () => {
  using folder = new TemporaryFolder();
  for (const description of [{ unknown: 1 }, { root: "../inside" }, { dirs: ["/"] }]) {
    const suite = smallSuite(folder, { one: ["trap", description as Description] });
    await assert.rejects(runOne(suite, "one", 1), /one\.json: /);
  }
});

Deno.test("expectations: an unexpected failure, an expected one that passes, and a name without a program are wrong", () => {
  const results = [{ name: "good" }, { name: "bad", failure: "exit code 1, not 0" }];
  assert.deepEqual(judge(["good", "bad"], results, { ...none, fails: { bad: "known" } }), []);
  assert.deepEqual(judge(["good", "bad"], results, none), ["bad: exit code 1, not 0"]);
  assert.deepEqual(judge(["good", "bad"], results, { ...none, fails: { bad: "known", good: "known" } }), [
    "good: passes, though it is expected to fail",
  ]);
  assert.deepEqual(judge(["good"], results.slice(0, 1), { ...none, cannotRun: { gone: "why" } }), [
    "gone: is expected to fail, but there is no such program",
  ]);
});
