import assert from "node:assert/strict";
import { type RunningProgram, shellWord, startCommand } from "../../src/modes/start_command.ts";
import { memoryIo } from "../testing/memory_io.ts";

function commandOf(
  program: Partial<RunningProgram>,
  { cwd, env }: { cwd: string; env?: Record<string, string> },
): string {
  const io = { ...memoryIo({ env }), cwd: () => cwd };
  const execPath = "/usr/bin/deno";
  return startCommand(io, { standalone: false, execPath, mainPath: "/src/main.ts", ...program });
}

Deno.test("startCommand: is deno task from a clone, and the script for deno run", () => {
  const cwd = "/home/zoé/capsule";
  const mainPath = `${cwd}/main.ts`;
  assert.equal(commandOf({ mainPath }, { cwd, env: { INIT_CWD: cwd } }), "deno task start --");
  assert.equal(commandOf({ mainPath }, { cwd }), "deno run -A ./main.ts");
  assert.equal(commandOf({ mainPath }, { cwd: `${cwd}/src` }), "deno run -A ../main.ts");
  assert.equal(commandOf({ mainPath: "/src/main.ts" }, { cwd }), "deno run -A /src/main.ts");
});

Deno.test({
  name: "startCommand: a compiled program is named as the shell finds it",
  ignore: Deno.build.os === "windows",
  fn: () => {
    const installed = { standalone: true, execPath: "/usr/local/bin/capsule" };
    const cwd = "/home/zoé";
    assert.equal(commandOf(installed, { cwd, env: { PATH: "/bin:/usr/local/bin" } }), "capsule");
    assert.equal(commandOf(installed, { cwd, env: { PATH: "/bin" } }), "/usr/local/bin/capsule");
    const built = { standalone: true, execPath: `${cwd}/my dist/capsule` };
    assert.equal(commandOf(built, { cwd }), "'./my dist/capsule'");
    assert.equal(commandOf(built, { cwd: `${cwd}/my dist` }), "./capsule");
  },
});

Deno.test("shellWord: quotes what a POSIX shell would split or expand", () => {
  assert.equal(shellWord("./hello.wasm"), "./hello.wasm");
  assert.equal(shellWord(""), "''");
  assert.equal(shellWord("it's $HOME"), "'it'\\''s $HOME'");
});
