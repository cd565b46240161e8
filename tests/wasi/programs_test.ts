import assert from "node:assert/strict";
import { TemporaryFolder } from "../testing/temporary_folder.ts";
import { goFilesOutput } from "./go_files_output.ts";
import { type ProgramOptions, runProgram } from "./run_program.ts";

/** Runs a program of `tests/testdata/wasi`, with `folder` as `/data` if given. */
async function run(name: string, options: ProgramOptions & { folder?: TemporaryFolder } = {}) {
  const wasm = await Deno.readFile(new URL(`../testdata/wasi/${name}.wasm`, import.meta.url));
  const { folder, ...rest } = options;
  const preopens = folder ? [{ host: folder.inside, guest: "/data" }] : [];
  return await runProgram(wasm, { preopens, ...rest });
}

Deno.test("C program: files behave as on a POSIX system", async () => {
  using folder = new TemporaryFolder();
  assert.deepEqual(await run("files", { folder }), { exitCode: 0, stdout: "fine\n", stderr: "" });
  assert.equal(folder.read("inside/a"), "hello");
  assert.equal([...Deno.readDirSync(folder.inside)].length, 1);
});

Deno.test("C program: reaches nothing outside its directory", async () => {
  using folder = new TemporaryFolder();
  folder.write("outside/decoy", "decoy");
  folder.link("../outside", "inside/out");
  folder.link(folder.at("outside/decoy"), "inside/absolute");
  folder.link("../outside/new", "inside/dangling");
  const paths = [
    ...[
      "/data/../outside/decoy",
      "/data/out/decoy",
      "/data/absolute",
      "/data/dangling",
      "/data/out/new",
    ],
    ...["../outside/decoy", folder.at("outside/decoy"), "outside/decoy", "decoy"],
  ];
  const { stdout } = await run("escape", { folder, args: ["escape", ...paths, "/data/mine"] });
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines.pop(), "/data/mine: No such file or directory, written");
  assert.equal(lines.length, paths.length);
  for (const line of lines) assert.doesNotMatch(line, /: read|, written/);
  assert.deepEqual([...Deno.readDirSync(folder.at("outside"))].map(({ name }) => name), ["decoy"]);
  assert.equal(folder.read("outside/decoy"), "decoy");
});

Deno.test("C program: without a preopened directory it finds no file", async () => {
  using folder = new TemporaryFolder();
  const { stdout } = await run("escape", { args: ["escape", ".", "a", folder.at("outside")] });
  assert.doesNotMatch(stdout, /: read|, written/);
});

Deno.test("C program: arguments, environment, standard streams and exit code", async () => {
  const input = new Uint8Array(300_000).map((_, at) => 32 + at % 90);
  const ended = await run("echo", {
    args: ["echo", "", "👋 é", "a b"],
    env: { NAME: "é=ü", EMPTY: "" },
    stdin: { kind: "bytes", bytes: input },
  });
  const head = "[]\n[👋 é]\n[a b]\nNAME=é=ü\nEMPTY=\n";
  assert.equal(ended.exitCode, 7);
  assert.equal(ended.stderr, "done\n");
  assert.ok(ended.stdout === head + new TextDecoder().decode(input));
});

Deno.test("C program: the event loop runs while it waits for input", async () => {
  const pieces = ["one ", "two ", null];
  let turns = 0;
  const ended = await run("echo", {
    stdin: {
      kind: "stream",
      async read(buffer) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        turns++;
        const piece = pieces.shift() ?? null;
        return piece === null ? null : new TextEncoder().encodeInto(piece, buffer).written;
      },
    },
  });
  assert.deepEqual([ended.stdout, ended.exitCode, turns], ["one two ", 7, 3]);
});

Deno.test("C program: sleeps and polls", async () => {
  let asked = false;
  const ended = await run("wait", {
    stdin: {
      kind: "stream",
      async read(buffer) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        if (asked) return null;
        asked = true;
        return new TextEncoder().encodeInto("hello", buffer).written;
      },
    },
  });
  assert.deepEqual(ended, { exitCode: 0, stdout: "slept\n1 readable\n5\n", stderr: "" });
});

Deno.test("trap: ends a program with 134 after its output", async () => {
  const { exitCode, stderr } = await run("trap");
  assert.equal(exitCode, 134);
  assert.match(stderr, /^about to trap\nRuntimeError: unreachable/);
});

Deno.test("Rust program: files, errors by name, sleep and exit code", async () => {
  using folder = new TemporaryFolder();
  folder.write("outside/decoy", "decoy");
  const ended = await run("rust-files", {
    folder,
    args: ["rust-files", "x", "👋 é"],
    env: { NAME: "ü" },
  });
  assert.deepEqual(ended, {
    exitCode: 3,
    stdout: '["x", "👋 é"] Ok("ü")\n["a", "copied", "moved", "second"]\n',
    stderr: "",
  });
  assert.equal(folder.read("inside/moved"), "hello");
  assert.equal(folder.read("inside/copied"), "hello!");
  assert.equal(folder.exists("inside/a"), false);
});

Deno.test("TinyGo program: works on files and does not leave its directory", async () => {
  using folder = new TemporaryFolder();
  folder.write("outside/decoy", "decoy");
  folder.link("../outside", "inside/out");
  const ended = await run("go-files/go-files", {
    folder,
    args: ["go-files", "x"],
    env: { NAME: "é" },
  });
  assert.deepEqual(ended, { exitCode: 9, stdout: goFilesOutput, stderr: "" });
});
