import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { isInstalled } from "../testing/is_installed.ts";
import { CapsuleError } from "../../src/base/errors.ts";
import { prepareModule } from "../../src/prepare/prepare.ts";
import { mutate, randomFrom } from "../prepare/mutate.ts";
import { type Budget, runScript } from "./wasm_suite.ts";

const script = fileURLToPath(new URL("../../scripts/install_wasm_suite.sh", import.meta.url));
const canInstall = await isInstalled("cargo") && await isInstalled("python3");

/** Steps at a time: each check asks the host, some do, hardly any does. */
const budgets: readonly Budget[] = [1, 50, 1000, 1_000_000];

/** Proposals that V8 does not run by default. */
const ignored = ["custom-descriptors", "custom-page-sizes", "wide-arithmetic"];

/** The least number of commands, so that an empty folder does not pass. */
const leastCommands = 70_000;

/** Installs the suite and returns its folder. */
async function install(): Promise<string> {
  const { success, stdout } = await new Deno.Command(script, { stderr: "inherit" }).output();
  assert.ok(success, "the suite could not be installed");
  return new TextDecoder().decode(stdout).trim();
}

Deno.test({
  name: canInstall
    ? "WebAssembly suite: every command has the same outcome with and without preparation"
    : "WebAssembly suite: NOT RUN, as cargo or python3 is missing",
  ignore: !canInstall && !Deno.env.get("CI"),
  fn: async (test) => {
    const home = await install();
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

Deno.test({
  name: "WebAssembly suite: broken modules stay valid or invalid, or are refused",
  ignore: !canInstall && !Deno.env.get("CI"),
  fn: async () => {
    const home = await install();
    const modules = [...Deno.readDirSync(home)].flatMap(({ name: proposal }) =>
      [...Deno.readDirSync(`${home}/${proposal}`)].filter(({ name }) => name.endsWith(".wasm"))
        .map(({ name }) => Deno.readFileSync(`${home}/${proposal}/${name}`))
    ).filter(({ length }) => length < 3000);
    const options = { exportGlobals: true, quietExit: true, steps: true };
    const random = randomFrom(20_261_201);
    let valid = 0;
    for (let round = 0; round < 30_000; round++) {
      const bytes = mutate(modules[random(modules.length)] ?? new Uint8Array(), random);
      const isValid = WebAssembly.validate(bytes);
      try {
        const result = prepareModule(bytes, options);
        if (result.kind === "unprepared") assert.equal(isValid, false, `unprepared: ${bytes}`);
        else assert.equal(WebAssembly.validate(result.bytes), isValid, String(bytes));
        if (isValid) valid++;
      } catch (error) {
        if (!(error instanceof CapsuleError)) throw error;
        assert.equal(isValid, false, `${error.message}: ${bytes}`);
      }
    }
    assert.ok(valid > 1000, `${valid} valid modules`);
  },
});
