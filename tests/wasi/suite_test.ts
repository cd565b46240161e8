import assert from "node:assert/strict";
import { TemporaryFolder } from "../testing/temporary_folder.ts";
import {
  type Expectations,
  judge,
  type ProgramResult,
  programsIn,
  runOne,
  runSuite,
} from "./suite.ts";
import type { FlatDescription, StepDescription } from "./suite_description.ts";

/**
 * Folders of the public suite (https://github.com/WebAssembly/wasi-testsuite, branch
 * `prod/testsuite-base`, `tests/{c,rust,assemblyscript}/testsuite/wasm32-wasip1`), separated by
 * colons. No package registry has its programs, so a machine that can fetch it sets the variable.
 */
const suites = (Deno.env.get("CAPSULE_WASI_SUITE")?.split(":") ?? [])
  .filter((folder) => !folder.endsWith("wasm32-wasip3"));
if (suites.length === 0) {
  console.log(
    "NOT RUN: the public WASI test suite, as CAPSULE_WASI_SUITE does not name its folders. " +
      "Run instead: the project's own programs in tests/testdata/wasi/suite.",
  );
}

Deno.test({
  name: suites.length === 0
    ? "public WASI suite: NOT RUN, as CAPSULE_WASI_SUITE is not set"
    : "public WASI suite: every program does as suite_expectations.json says",
  ignore: suites.length === 0,
  async fn() {
    const path = new URL("suite_expectations.json", import.meta.url);
    const expectations = JSON.parse(Deno.readTextFileSync(path)) as Expectations;
    const results: ProgramResult[] = [];
    for (const suite of suites) results.push(...await runSuite(suite, expectations, 30_000));
    const passed = results.filter(({ failure }) => failure === undefined).length;
    const unable = Object.keys(expectations.cannotRun).length;
    console.log(`${passed} passed, ${results.length - passed} failed, ${unable} cannot run here`);
    assert.deepEqual(judge(suites.flatMap(programsIn), results, expectations), []);
  },
});

/** C programs of this project in the suite's format, which `build.sh` compiles. */
const ownSuite = new URL("../testdata/wasi/suite", import.meta.url).pathname;

for (const name of programsIn(ownSuite)) {
  Deno.test(`own WASI suite: ${name}.c finds no difference from the specification`, async () => {
    assert.equal(await runOne(ownSuite, name, 60_000), undefined, "the exit code is a line");
  });
}

/** Makes a suite of programs from `tests/testdata/wasi`, each under another name. */
function smallSuite(
  folder: TemporaryFolder,
  programs: Record<string, [string, (FlatDescription | StepDescription)?]>,
): string {
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

Deno.test("suite runner: passes arguments, environment and folders; checks exit code and output", async () => {
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
      stdout:
        "/a: read, written\n/../outside/right.json: Operation not permitted, Operation not permitted\n",
    }],
    "dirs": ["escape", {
      dirs: ["files.dir"],
      args: ["files.dir/a"],
      stdout: "files.dir/a: read, written\n",
    }],
    "steps": ["echo", {
      operations: [
        { type: "run", args, env: { NAME: "é=" } },
        { type: "read", payload: "[]\n[👋]\n" },
        { type: "read", id: "stdout", payload: "NAME=é=\n" },
        { type: "wait", exit_code: 7 },
      ],
      proposals: [],
    }],
    "steps-on-a-root": ["escape", {
      operations: [{ type: "run", root: "files.dir", args: ["/a", "/left.cleanup"] }, {
        type: "read",
        payload: "/a: read, written\n/left.cleanup: No such file or directory, written\n",
      }],
    }],
    "wrong-error-output": ["echo", { ...right, stderr: "no" }],
    "never-run": ["trap"],
  });
  folder.write("outside/files.dir/a", "kept");
  folder.write("outside/files.dir/left.cleanup", "of an earlier run");
  const results = await runSuite(suite, { ...none, cannotRun: { "never-run": "why" } }, 60_000);
  assert.deepEqual(results.map(({ name, failure }) => [name, failure?.split("\n")[0]]), [
    ["dirs", undefined],
    ["right", undefined],
    ["root", undefined],
    ["steps", undefined],
    ["steps-on-a-root", undefined],
    ["trap", "exit code 134, not 0"],
    ["wrong-code", "exit code 7, not 8"],
    ["wrong-error-output", 'printed "done\\n" on stderr, not "no"'],
    ["wrong-output", 'printed "[]\\n[👋]\\nNAME=é=\\n" on stdout, not "no"'],
  ]);
  assert.equal(folder.read("outside/files.dir/a"), "kept", "programs work on a copy of the folder");
});

/** `(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))` */
const endless = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1],
  ...[7, 19, 2, 6, 109, 101, 109, 111, 114, 121, 2, 0, 6, 95, 115, 116, 97, 114, 116, 0, 0],
  ...[10, 9, 1, 7, 0, 3, 64, 12, 0, 11, 11],
);

Deno.test("suite runner: a program that does not end is a failure", async () => {
  using folder = new TemporaryFolder();
  folder.write("outside/endless.wasm", endless);
  assert.equal(await runOne(folder.at("outside"), "endless", 500), "did not end within 500 ms");
});

Deno.test("suite runner: refuses descriptions that it does not know or that leave the suite", async () => {
  using folder = new TemporaryFolder();
  const run = { type: "run" };
  for (
    const [description, complaint] of [
      [{ unknown: 1 }, "the runner does not know unknown"],
      [{ root: "../inside" }, "../inside does not lie in the suite"],
      [{ dirs: ["/"] }, "/ does not lie in the suite"],
      [{ operations: [run], args: [] }, "the runner does not know args"],
      [{ operations: [{ ...run, unknown: 1 }] }, "the runner does not know unknown"],
      [{ operations: [{ ...run, root: "/" }] }, "/ does not lie in the suite"],
      [{ operations: [run, { type: "connect" }] }, "the runner does not know operation connect"],
      [{ operations: [run, { type: "read", id: "server" }] }, "the runner cannot read server"],
      [{ operations: [run], proposals: ["http"] }, "preview1 does not have http"],
    ] as const
  ) {
    const suite = smallSuite(folder, { one: ["trap", description as FlatDescription] });
    await assert.rejects(runOne(suite, "one", 1), { message: `one.json: ${complaint}` });
  }
});

Deno.test("suite runner: reports results that differ from the expectations", () => {
  const results = [{ name: "good" }, { name: "bad", failure: "exit code 1, not 0" }];
  assert.deepEqual(judge(["good", "bad"], results, { ...none, fails: { bad: "known" } }), []);
  assert.deepEqual(judge(["good", "bad"], results, none), ["bad: exit code 1, not 0"]);
  assert.deepEqual(
    judge(["good", "bad"], results, { ...none, fails: { bad: "known", good: "known" } }),
    [
      "good: passes, though it is expected to fail",
    ],
  );
  assert.deepEqual(judge(["good"], results.slice(0, 1), { ...none, cannotRun: { gone: "why" } }), [
    "gone: is expected to fail, but there is no such program",
  ]);
});
