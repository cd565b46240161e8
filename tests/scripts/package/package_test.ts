import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { flags } from "../../../src/options/flags.ts";
import { variableOf } from "../../../src/options/flag.ts";
import { programTest, runProgram } from "../../testing/system_program.ts";
import { inFolder } from "../../testing/temporary_folder.ts";

const folder = fileURLToPath(new URL("../../../scripts/package/", import.meta.url));

await programTest(
  "hadolint",
  "Dockerfile: hadolint accepts it",
  async () => {
    const { code, stdout } = await runProgram([
      "hadolint",
      "--failure-threshold=style",
      `${folder}Dockerfile`,
    ]);
    assert.deepEqual([code, stdout], [0, ""]);
  },
);

await programTest(
  "systemd-analyze",
  "systemd unit: is valid and confines the service",
  async () => {
    const unit = await Deno.readTextFile(`${folder}capsule.service`);
    await inFolder(async (temporary) => {
      const path = `${temporary}/capsule.service`;
      await Deno.writeTextFile(
        path,
        unit.replace("=/usr/local/bin/capsule", `=${Deno.execPath()}`),
      );
      const verified = await runProgram(["systemd-analyze", "verify", "--man=no", path]);
      assert.deepEqual(verified, { code: 0, stdout: "", stderr: "" });
      const judged = await runProgram([
        "systemd-analyze",
        "security",
        "--offline=yes",
        "--threshold=15",
        "--no-pager",
        path,
      ]);
      assert.equal(judged.code, 0, judged.stdout);
    });
  },
);

Deno.test("Dockerfile and unit: name only variables that exist", async () => {
  const variables = new Set(Object.keys(flags).map(variableOf));
  for (const file of ["Dockerfile", "capsule.service"]) {
    const named = [...(await Deno.readTextFile(folder + file)).matchAll(/CAPSULE_[A-Z_]+/g)].map((
      [name],
    ) => name);
    assert.ok(named.length > 0);
    for (const name of named) assert.ok(variables.has(name), name);
  }
});
