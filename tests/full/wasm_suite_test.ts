import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { isInstalled } from "../testing/is_installed.ts";
import { type Budget, runScript } from "./wasm_suite.ts";

const script = fileURLToPath(new URL("../../scripts/install_wasm_suite.sh", import.meta.url));
const canInstall = await isInstalled("cargo") && await isInstalled("python3");

/** Steps at a time: each check asks the host, some do, hardly any does. */
const budgets: readonly Budget[] = [1, 50, 1000, 1_000_000];

/** Proposals that V8 does not run by default. */
const ignored = ["custom-descriptors", "custom-page-sizes", "wide-arithmetic"];

/** The least number of commands, so that an empty folder does not pass. */
const leastCommands = 70_000;

Deno.test({
  name: canInstall
    ? "WebAssembly suite: every command has the same outcome with and without preparation"
    : "WebAssembly suite: NOT RUN, as cargo or python3 is missing",
  ignore: !canInstall && !Deno.env.get("CI"),
  fn: async (test) => {
    const { success, stdout } = await new Deno.Command(script, { stderr: "inherit" }).output();
    assert.ok(success, "the suite could not be installed");
    const home = new TextDecoder().decode(stdout).trim();
    let commands = 0;
    const proposals = [...Deno.readDirSync(home)].map(({ name }) => name).sort();
    for (const proposal of proposals) {
      if (ignored.includes(proposal)) continue;
      const folder = `${home}/${proposal}`;
      const scripts = [...Deno.readDirSync(folder)].map(({ name }) => name)
        .filter((name) => name.endsWith(".json")).sort();
      await test.step(proposal, () => {
        for (const name of scripts) {
          const expected = runScript(folder, name, undefined);
          commands += expected.length;
          for (const budget of budgets) {
            assert.deepEqual(runScript(folder, name, budget), expected, `${proposal}/${name}`);
          }
        }
      });
    }
    assert.ok(commands > leastCommands, `${commands} commands`);
  },
});
