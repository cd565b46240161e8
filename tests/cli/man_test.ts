import assert from "node:assert/strict";
import type { Flag } from "../../src/options/flag.ts";
import { flags } from "../../src/options/flags.ts";
import { manualPage } from "../../src/cli/man.ts";
import { modeNames } from "../../src/options/modes.ts";
import { storeVariables } from "../../src/store/variables.ts";
import { programTest, runProgram } from "../testing/system_program.ts";

await programTest(
  "man",
  "manualPage: man shows every flag, mode and variable, without a warning",
  async () => {
    const { code, stdout, stderr } = await runProgram([
      "man",
      "--warnings",
      "-E",
      "ascii",
      "-l",
      "-",
    ], {
      input: manualPage(),
    });
    assert.deepEqual([code, stderr], [0, ""]);
    // Bold is a letter, a backspace, and the letter again.
    const shown = stdout.replaceAll(/.[\b]/g, "");
    for (const [name, { type }] of Object.entries<Flag>(flags)) {
      const value = type.bare === undefined ? `=${type.placeholder.replace("…", "...")}` : "";
      assert.ok(shown.includes(`\n       -${name}${value}`), name);
    }
    for (const mode of modeNames) assert.ok(shown.includes(`capsule -mode=${mode}`), mode);
    for (const name of Object.keys(storeVariables)) {
      assert.ok(shown.includes(`\n       ${name}`), name);
    }
    assert.doesNotMatch(shown, /undefined|\[object/);
  },
);
