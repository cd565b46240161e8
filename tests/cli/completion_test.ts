import assert from "node:assert/strict";
import { completion } from "../../src/cli/completion.ts";
import type { Flag } from "../../src/options/flag.ts";
import { flags } from "../../src/options/flags.ts";
import { type ModeName, modeNames } from "../../src/options/modes.ts";
import { programTest, runProgram } from "../testing/system_program.ts";
import { inFolder } from "../testing/temporary_folder.ts";

/** Returns the flags of a mode as completed: with `=`, unless they take no value. */
const words = (mode: ModeName) =>
  Object.entries<Flag>(flags).filter(([, flag]) => flag.modes.includes(mode))
    .map(([name, { type }]) => `-${name}${type.bare === undefined ? "=" : ""}`);

/** Calls `use` with a folder that has a shell's script, and a folder and a file to complete. */
async function withScript(
  shell: "bash" | "zsh" | "fish",
  use: (script: string, folder: string) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/script`, completion(shell));
    await Deno.mkdir(`${folder}/modules`);
    await Deno.writeTextFile(`${folder}/modules/my hello.wasm`, "");
    await use(`${folder}/script`, folder);
  });
}

await programTest(
  "bash",
  "completion: bash completes modes, the flags of a mode, choices and files",
  () =>
    withScript("bash", async (script, folder) => {
      const complete = async (line: string) => {
        const test =
          `source "$1"; COMP_LINE=$2; COMP_POINT=\${#2}; _capsule 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
        const { stdout, stderr, code } = await runProgram([
          "bash",
          "-c",
          test,
          "bash",
          script,
          line,
        ], {
          cwd: folder,
        });
        assert.deepEqual([code, stderr], [0, ""]);
        return stdout.trimEnd().split("\n");
      };
      assert.deepEqual(await complete("capsule -mode="), modeNames);
      assert.deepEqual(await complete("capsule --mode=re"), ["reverse-proxy", "registry"]);
      assert.deepEqual(await complete("capsule -mode=http -log="), ["text", "json"]);
      for (const mode of modeNames) {
        assert.deepEqual(await complete(`capsule -mode=${mode} -`), words(mode));
      }
      assert.deepEqual(await complete("capsule --mod"), ["--mode="]);
      assert.deepEqual(await complete("capsule -wasm=modules/m"), ["modules/my hello.wasm"]);
      assert.deepEqual(await complete("capsule -mode=cli mod"), ["modules"]);
      assert.deepEqual(await complete("capsule -httpPort="), [""]);
    }),
);

await programTest(
  "fish",
  "completion: fish completes modes, the flags of a mode, choices and files",
  () =>
    withScript("fish", async (script, folder) => {
      const complete = async (line: string) => {
        const { stdout, stderr, code } = await runProgram(
          ["fish", "--no-config", "-c", `source $argv[1]; complete -C $argv[2]`, script, line],
          { cwd: folder },
        );
        assert.deepEqual([code, stderr], [0, ""]);
        return stdout.split("\n").filter(Boolean).map((row) => row.replace(/\t.*/, ""));
      };
      assert.deepEqual(
        await complete("capsule -mode="),
        modeNames.map((mode) => `-mode=${mode}`).sort(),
      );
      assert.deepEqual(await complete("capsule -mode re"), ["registry", "reverse-proxy"]);
      for (const mode of modeNames) {
        const flagsOf = (await complete(`capsule -mode=${mode} -`)).filter((flag) =>
          !flag.startsWith("--")
        );
        assert.deepEqual(flagsOf, words(mode).map((word) => word.replace("=", "")).sort(), mode);
      }
      assert.deepEqual(await complete("capsule -wasm=modules/m"), ["-wasm=modules/my hello.wasm"]);
    }),
);

/**
 * Types each line and a tab into an interactive zsh, and runs the result, a function that prints
 * its arguments.
 */
const typing = [
  "zmodload zsh/zpty",
  "zpty shell zsh -f -i",
  "wait_for() { got=; until [[ $got == *$~1* ]]; do zpty -r shell part || exit 1; got+=$part; done }",
  'zpty -w shell "PS1=; autoload -U compinit; compinit -u -D; setopt no_beep; source $1"',
  // The words are split here, so that the echo of this line does not match them.
  `zpty -w shell 'capsule() { print -r -- "<$*>EN""D" }; print REA""DY'`,
  "wait_for READY",
  'for line in "${@[2,-1]}"; do',
  `  zpty -w -n shell "$line"$'\t\n'`,
  "  wait_for '<*>END'",
  '  print -r -- "${${got##*<}%%>END*}"',
  "done",
  "zpty -d shell",
].join("\n");

await programTest(
  "zsh",
  "completion: zsh completes modes, the flags of a mode, choices and files",
  () =>
    withScript("zsh", async (script, folder) => {
      const rows = [
        ["capsule -mode=regi", "-mode=registry"],
        ["capsule -mode=registry -maxU", "-mode=registry -maxUpload"],
        ["capsule -mode=http -log=j", "-mode=http -log=json"],
        ["capsule -mode=cli -sand", "-mode=cli -sandbox"],
        ["capsule -mode=registry -sand", "-mode=registry -sand"], // not a flag of that mode
        ["capsule -wasm=modules/m", "-wasm=modules/my hello.wasm"],
      ] as const;
      const lines = rows.map(([line]) => line);
      const { stdout, stderr, code } = await runProgram(
        ["zsh", "-f", "-c", typing, "zsh", script, ...lines],
        {
          cwd: folder,
        },
      );
      assert.deepEqual([code, stderr], [0, ""]);
      assert.deepEqual(stdout.trimEnd().split("\n"), rows.map(([, completed]) => completed));
    }),
);
