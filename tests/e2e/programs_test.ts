import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { TemporaryFolder } from "../files/temporary_folder.ts";
import { runCapsule, spawnCapsule } from "../testing/capsule.ts";
import { buildGo, goTest } from "../testing/go_program.ts";
import { goFilesOutput } from "../wasi/go_files_output.ts";

const programs = fileURLToPath(new URL("../testdata/wasi/", import.meta.url));
const program = (name: string) => `-wasm=${programs}${name}.wasm`;

Deno.test("a C program gets its arguments, the environment that -env says, its input, and gives its exit code", async () => {
  const input = new Uint8Array(300_000).map((_, at) => at * 7 + (at >> 8));
  const flags = ["-mode=cli", program("echo"), "-env=GIVEN=a=b", "-env=MINE", "-env=EMPTY="];
  const { code, stdoutBytes, stderr } = await runCapsule([...flags, "--", "", "👋 é", "-mode=http", "--"], {
    stdin: input,
    env: { MINE: "👋", OTHER: "not yours" },
  });
  assert.deepEqual([code, stderr], [7, "done\n"]);
  const head = "[]\n[👋 é]\n[-mode=http]\n[--]\nGIVEN=a=b\nMINE=👋\nEMPTY=\n";
  const headBytes = new TextEncoder().encode(head);
  assert.equal(new TextDecoder().decode(stdoutBytes.subarray(0, headBytes.length)), head);
  assert.deepEqual(stdoutBytes.subarray(headBytes.length), input);
});

Deno.test("a program sees no variable and no folder unless it is given them", async () => {
  using folder = new TemporaryFolder();
  folder.write("inside/a", "secret");
  const cwd = folder.inside;
  const echo = await runCapsule(["-mode=cli", program("echo")], { cwd, env: { PATH_X: "x" } });
  assert.deepEqual([echo.code, echo.stdout], [7, ""]);
  const count = await runCapsule(["-mode=cli", program("count"), "a", "./a", folder.at("inside/a")], { cwd });
  assert.deepEqual([count.code, count.stdout], [3, ""]);
});

Deno.test("a Rust program reads the folders of -dir, under the names that they give, and its input", async () => {
  using folder = new TemporaryFolder();
  folder.write("inside/data/a", "a b\nc");
  folder.write("inside/other/b", "👋\n");
  folder.write("inside/c", "out of reach");
  const { code, stdout, stderr } = await runCapsule([
    ...["-mode=cli", program("count"), "-dir=./data", "-dir=other::/guest", "--"],
    ...["data/a", "/guest/b", "-", "data/../c"],
  ], { cwd: folder.inside, stdin: "é" });
  assert.deepEqual([code, stdout], [1, "1 3 5 data/a\n1 1 5 /guest/b\n0 1 2 -\n"]);
  assert.match(stderr, /^data\/\.\.\/c: /);
});

Deno.test("a TinyGo program works in the folder of -dir and ends with its own code", async () => {
  using folder = new TemporaryFolder();
  folder.write("outside/decoy", "decoy");
  folder.link("../outside", "inside/out");
  const flags = ["-mode=cli", program("go-files/go-files"), `-dir=${folder.inside}::/data`, "-env=NAME=é"];
  const { code, stdout, stderr } = await runCapsule([...flags, "--", "x"]);
  assert.deepEqual({ code, stdout, stderr }, { code: 9, stdout: goFilesOutput, stderr: "" });
});

goTest("a program of standard Go works in the folder of -dir and ends with its own code", async () => {
  using folder = new TemporaryFolder();
  folder.write("outside/decoy", "decoy");
  folder.link("../outside", "inside/out");
  await buildGo(`${programs}go-files`, { output: folder.at("program.wasm") });
  const flags = ["-mode=cli", `-wasm=${folder.at("program.wasm")}`, `-dir=${folder.inside}::/data`];
  const { code, stdout, stderr } = await runCapsule([...flags, "-env=NAME=é", "--", "x"]);
  assert.deepEqual({ code, stdout, stderr }, { code: 9, stdout: goFilesOutput, stderr: "" });
});

Deno.test("a trap is 134, with what the program wrote and its stack on stderr", async () => {
  const { code, stdout, stderr } = await runCapsule(["-mode=cli", program("trap")]);
  assert.deepEqual([code, stdout], [134, ""]);
  assert.match(
    stderr,
    /^about to trap\n\S*trap\.wasm trapped: unreachable\n {4}at .*wasm-function\[\d+\]:0x[0-9a-f]+\)?\n$/,
  );
});

/** Runs a program whose input never comes, and whose output nobody reads. */
async function runStuck(args: readonly string[]): Promise<{ code: number; stderr: string }> {
  const child = spawnCapsule(args, "piped");
  const stderr = new Response(child.stderr).text();
  const { code } = await child.status;
  await child.stdin.close();
  await child.stdout.cancel();
  return { code, stderr: await stderr };
}

Deno.test("-timeout stops a program with 124: one that waits for its input, and one whose output nobody reads", async () => {
  for (const name of ["echo", "until-closed"]) {
    const { code, stderr } = await runStuck(["-mode=cli", program(name), "-timeout=300ms"]);
    assert.equal(code, 124, name);
    assert.match(stderr, /'-timeout' allows it 300 ms/, name);
  }
});

Deno.test("a program whose output is closed gets EPIPE, again and again, and ends by itself", async () => {
  for (const flags of [[], ["-timeout=1m"]]) {
    const child = spawnCapsule(["-mode=cli", program("until-closed"), ...flags], "null");
    const stderr = new Response(child.stderr).text();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    assert.equal(new TextDecoder().decode(value?.subarray(0, 2)), "y\n");
    await reader.cancel();
    const { code } = await child.status;
    assert.deepEqual([code, await stderr], [3, "Broken pipe, Broken pipe\n"]);
  }
});

Deno.test("a module that is neither a function nor a program is refused with what it lacks", async () => {
  using folder = new TemporaryFolder();
  // A module that exports its memory and nothing else.
  const bytes = [
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    5,
    3,
    1,
    0,
    1,
    7,
    10,
    1,
    6,
    ...new TextEncoder().encode("memory"),
    2,
    0,
  ];
  Deno.writeFileSync(folder.at("library.wasm"), Uint8Array.from(bytes));
  const { code, stdout, stderr } = await runCapsule(["-mode=cli", `-wasm=${folder.at("library.wasm")}`]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(
    stderr,
    /library\.wasm is neither a function nor a program: it does not export "callHandle", .* nor "_start", with which a WASI program begins\n$/,
  );
});
