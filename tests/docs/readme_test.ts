import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { isInstalled } from "../testing/is_installed.ts";
import { flags } from "../../src/options/flags.ts";
import { modeNames } from "../../src/options/modes.ts";
import { readBlocks, type ReadmeBlock, runBlocks } from "./readme_blocks.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const readme = await Deno.readTextFile(`${root}README.md`);
const shell = readBlocks(readme).filter(({ language }) => language === "sh");

const usesNode = ({ text }: ReadmeBlock) => text.startsWith("npx ");
const hasTinyGo = await isInstalled("tinygo", "version");

Deno.test("README.md: every shell block does what it says, in a copy of the project", async () => {
  const skipped = hasTinyGo
    ? []
    : shell.filter(({ text }) => /tinygo build|hello\/hello\.wasm "/.test(text));
  for (const { text } of skipped) {
    console.log(`not run, as tinygo is not on the PATH: ${text.split("\n").at(-1)}`);
  }
  const ran = await runBlocks(
    shell.filter((block) => !usesNode(block) && !skipped.includes(block)),
  );
  assert.ok(ran.length >= 3, `${ran.length} blocks were run beside the servers`);
  const answerTo = (part: string) => ran.find(({ text }) => text.includes(part))?.stdout;
  for (const { text, stdout, expected } of ran) {
    if (expected !== undefined) assert.equal(stdout, expected, text);
  }
  assert.match(answerTo("deno task test") ?? "", /^ok \| [1-9]\d* passed/m);
  if (hasTinyGo) assert.equal(answerTo("-mode=cli -wasm=hello/"), "👋 Hello Bob Morane\n");
  assert.match(
    answerTo("-mode=apply") ?? "",
    /\n2 changes made on .*\n👋 Hello World 🌍\n📝 you sent: Bob\n$/,
  );
});

Deno.test("README.md: the commands for those who have only Node are the same, through npx", () => {
  const [node] = shell.filter(usesNode);
  assert.ok(node);
  const prefix = "npx -y deno@2.9.6 ";
  const commands = node.text.split("\n").map((line) => {
    assert.ok(line.startsWith(prefix), line);
    return `deno ${line.slice(prefix.length)}`;
  });
  for (const command of commands) assert.ok(shell.some(({ text }) => text === command), command);
});

Deno.test("README.md is 150 lines at most and has every mode and host function", async () => {
  assert.ok(readme.trimEnd().split("\n").length <= 150);
  for (const mode of modeNames) assert.match(readme, new RegExp(`^\\|.*\`${mode}\``, "m"), mode);

  const library = `${root}src/sdk/go/hostfunctions/`;
  for await (const { name } of Deno.readDir(library)) {
    for (
      const [, called = ""] of (await Deno.readTextFile(library + name)).matchAll(
        /^func ([A-Z]\w*)\(/gm,
      )
    ) {
      assert.ok(readme.includes(called.replace(/^Redis(?=.)/, "")), called);
    }
  }
});

Deno.test("README.md names no flag that Capsule does not have", () => {
  const ours = readme.replaceAll(/.*tinygo build.*|`-gc=leaking`/g, "");
  const named = [...ours.matchAll(/(?:`| )-([a-z]\w+)(?==|`)/g)].map(([, name = ""]) => name);
  assert.ok(named.length > 20);
  for (const name of named) assert.ok(Object.hasOwn(flags, name), `-${name}`);
});

Deno.test("README.md: every file that it links to is there", async () => {
  for (const [, path = ""] of readme.matchAll(/\]\((?!http)([^)]+)\)/g)) {
    await Deno.stat(root + path);
  }
});
