/**
 * Runs the tests of Go's standard library, compiled for wasip1, on this WASI and on those of Node
 * and Deno. All three get `/`, and some tests remove files of others, so they run in a chroot.
 */
import assert from "node:assert/strict";
import { TemporaryFolder } from "../testing/temporary_folder.ts";
import { isInstalled } from "../testing/is_installed.ts";
import { named, type Outcomes, runGoTests } from "./go_tests.ts";
import { Jail } from "./jail.ts";

/** Packages, with tests that fail on any WASI preview1 and the reason of each. */
const packages: Record<string, Record<string, string>> = {
  "os": {},
  "path/filepath": {},
  "io/fs": {},
  "io": {},
  "bufio": {},
  "time": {},
  "os/exec": {},
  "encoding/json": {},
  "compress/gzip": {},
  "crypto/sha256": {},
  "strings": {},
  "sort": {},
};

/** Limit of one start of a package's tests, generous for a busy machine. */
const limitMs = 120_000;
const variables = { PATH: "/bin", HOME: "/tmp" };

/** Command line of each runtime for a program with `/` preopened and a working directory. */
const runtimes: Record<string, (program: string, folder: string, args: string[]) => string[]> = {
  ours: (program, folder, args) => [
    ...[
      "/bin/deno",
      "run",
      "-A",
      "--no-check",
      "--no-lock",
      "/capsule/main.ts",
      "-mode=cli",
      "-dir=/::/",
    ],
    ...assignments(folder).map((text) => `-env=${text}`),
    ...[`-wasm=${program}`, "--", ...args],
  ],
  node: (program, folder, args) => [
    ...[
      "/bin/node",
      "--no-warnings",
      "/node_wasi.mjs",
      "/::/",
      program,
      ...assignments(folder),
      "--",
    ],
    ...args,
  ],
  deno: (program, folder, args) => [
    ...["/bin/deno", "run", "-A", "--no-check", "/node_wasi.mjs", "/::/", program],
    ...[...assignments(folder), "--", ...args],
  ],
};

function assignments(folder: string): string[] {
  return Object.entries({ ...variables, PWD: folder }).map(([name, value]) => `${name}=${value}`);
}

const missing = await isInstalled("go", "version")
  ? await isInstalled("node") ? await Jail.missing() : "Node"
  : "Go";
if (missing !== undefined) console.log(`Go's library is not tested here: ${missing} is missing`);

Deno.test({
  name: "Go's library: passes its tests, and all those that pass on both Node's and Deno's WASI",
  ignore: missing !== undefined && !Deno.env.get("CI"),
  async fn(t) {
    assert.equal(missing, undefined);
    using built = new TemporaryFolder();
    using jail = new Jail();
    const goRoot = (await go(["env", "GOROOT"], ".")).trim();
    furnish(jail, goRoot);
    jail.write(
      "/canary.wasm",
      Deno.readFileSync(new URL("../testdata/wasi/escape.wasm", import.meta.url)),
    );
    for (const runtime of Object.keys(runtimes)) {
      await t.step(
        `${runtime}: a program with / preopened reaches nothing outside the jail`,
        async () => {
          await tryCanary(jail, runtime, built);
        },
      );
    }
    for (const [name, excused] of Object.entries(packages)) {
      await t.step(name, async () => {
        const program = built.at("inside/package.test.wasm");
        await go(["test", "-c", "-o", program, "."], `${goRoot}/src/${name}`);
        jail.copy(program, "/package.test.wasm");
        Deno.chmodSync(jail.at("/package.test.wasm"), 0o644);
        const outcomes = await onAll(jail, `${goRoot}/src/${name}`);
        console.log(row(name, outcomes));
        judge(outcomes, excused);
      });
    }
  },
});

/** Copies two runtimes, this WASI and the packages' files into the jail. */
function furnish(jail: Jail, goRoot: string): void {
  jail.addProgram(Deno.execPath(), "deno");
  jail.addProgram(pathOf("node"), "node");
  jail.addProcSelfExe("/bin/deno");
  const here = (path: string) => new URL(path, import.meta.url).pathname;
  for (const path of ["deno.json", "main.ts", "src"]) {
    jail.copy(here(`../../${path}`), `/capsule/${path}`);
  }
  jail.copy(here("../testing/node_wasi.mjs"), "/node_wasi.mjs");
  // The tests read their sources, each other's testdata, the time zones and files of GOROOT.
  for (const { name, isFile } of Deno.readDirSync(goRoot)) {
    if (isFile) jail.copy(`${goRoot}/${name}`, `${goRoot}/${name}`);
  }
  for (
    const folder of [
      "lib/time",
      "src/compress",
      "src/unicode",
      ...Object.keys(packages).map((name) => `src/${name}`),
    ]
  ) {
    jail.copy(`${goRoot}/${folder}`, `${goRoot}/${folder}`);
  }
}

/** Runs a program that tries to truncate a world-writable file outside, by several paths. */
async function tryCanary(jail: Jail, runtime: string, folder: TemporaryFolder): Promise<void> {
  folder.write("outside/canary", "alive");
  Deno.chmodSync(folder.path, 0o777);
  Deno.chmodSync(folder.at("outside"), 0o777);
  Deno.chmodSync(folder.at("outside/canary"), 0o666);
  const path = folder.at("outside/canary");
  const paths = [
    path,
    `/../../../../../..${path}`,
    `/proc/self/root${path}`,
    `/proc/1/root${path}`,
  ];
  const command = runtimes[runtime]?.("/canary.wasm", "/", ["/tmp/inside", ...paths]) ?? [];
  const { output } = await jail.run(command, { limitMs });
  assert.match(output, /^\/tmp\/inside: No such file or directory, written$/m, output);
  for (const path of paths) {
    const line = output.split("\n").find((line) => line.startsWith(`${path}: `)) ?? "";
    assert.doesNotMatch(line, /read|written/, output);
  }
  assert.equal(folder.read("outside/canary"), "alive");
}

async function onAll(jail: Jail, folder: string): Promise<Record<string, Outcomes>> {
  const outcomes: Record<string, Outcomes> = {};
  for (const [runtime, commandFor] of Object.entries(runtimes)) {
    const run = (args: string[]) =>
      jail.run(commandFor("/package.test.wasm", folder, args), { limitMs });
    try {
      outcomes[runtime] = await runGoTests(run);
    } catch (error) {
      if (runtime === "ours") throw error;
      console.log(`${runtime}: ${error instanceof Error ? error.message : error}`);
      outcomes[runtime] = new Map();
    }
  }
  return outcomes;
}

function row(name: string, outcomes: Record<string, Outcomes>): string {
  const columns = Object.entries(outcomes).map(([runtime, found]) =>
    `${runtime} ${named(found, "passed").length} passed, ${named(found, "failed").length} failed`
  );
  const skipped = named(outcomes.ours ?? new Map(), "skipped");
  const leftOut = skipped.length > 0 ? `\n  skipped by Go: ${skipped.join(", ")}` : "";
  return `${name}: ${columns.join(" · ")}${leftOut}`;
}

function judge(outcomes: Record<string, Outcomes>, excused: Record<string, string>): void {
  const { ours = new Map(), node = new Map(), deno = new Map() } = outcomes;
  assert.ok(named(ours, "passed").length > 0, "no test passed");
  assert.deepEqual(named(ours, "failed"), Object.keys(excused).sort());
  const both = named(node, "passed").filter((name) => deno.get(name) === "passed");
  assert.deepEqual(both.filter((name) => !ours.has(name)), [], "tests were not run");
}

async function go(args: string[], cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("go", {
    args,
    cwd,
    env: { GOOS: "wasip1", GOARCH: "wasm", GOTOOLCHAIN: "local", GOFLAGS: "" },
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

function pathOf(program: string): string {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  for (const folder of folders) {
    try {
      if (Deno.statSync(`${folder}/${program}`).isFile) return `${folder}/${program}`;
    } catch {
      // Not in this one.
    }
  }
  throw new Error(`${program} is not on the path`);
}
