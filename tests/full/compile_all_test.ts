import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { headerBytes, targets, tripleOf } from "../../scripts/compile/targets.ts";
import { runProgram } from "../testing/system_program.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

Deno.test("compile --all: makes programs with checksums, and names targets it cannot make", async () => {
  const { code, stderr } = await runProgram([Deno.execPath(), "task", "compile", "--", "--all"], {
    cwd: root,
  });
  assert.equal(code, 0, stderr);
  const sums = await Deno.readTextFile(`${root}dist/SHA256SUMS`);
  const named = sums.trimEnd().split("\n").map((line) => line.replace(/^[0-9a-f]{64} {2}/, ""));
  assert.ok(named.length > 0);
  for (const { file, triple } of targets) {
    if (!named.includes(file)) {
      assert.match(
        stderr,
        new RegExp(`dist/${file} is not written: the base of Deno .* cannot be fetched, and `),
      );
      continue;
    }
    using program = await Deno.open(`${root}dist/${file}`);
    const header = new Uint8Array(headerBytes);
    await program.read(header);
    assert.equal(tripleOf(header), triple);
  }
  const checked = await runProgram(["sha256sum", "--check", "--quiet", "SHA256SUMS"], {
    cwd: `${root}dist`,
  });
  assert.deepEqual(checked, { code: 0, stdout: "", stderr: "" });
});
