import assert from "node:assert/strict";
import { TemporaryFolder } from "../files/temporary_folder.ts";
import { goFilesOutput } from "../wasi/go_files_output.ts";
import { runProgram } from "../wasi/run_program.ts";

Deno.test("a program built with go build works on files and does not leave its folder", async () => {
  using folder = new TemporaryFolder();
  folder.write("outside/decoy", "decoy");
  folder.link("../outside", "inside/out");
  const built = await new Deno.Command("go", {
    args: ["build", "-o", folder.at("program.wasm"), "."],
    cwd: new URL("../testdata/wasi/go-files", import.meta.url).pathname,
    env: { GOOS: "wasip1", GOARCH: "wasm", GOTOOLCHAIN: "local", GOFLAGS: "-mod=mod" },
  }).output();
  assert.ok(built.success, new TextDecoder().decode(built.stderr));
  const ended = await runProgram(Deno.readFileSync(folder.at("program.wasm")), {
    args: ["go-files", "x"],
    env: { NAME: "é" },
    preopens: [{ host: folder.inside, guest: "/data" }],
  });
  assert.deepEqual(ended, { exitCode: 9, stdout: goFilesOutput, stderr: "" });
});
