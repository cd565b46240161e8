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

Deno.test("README.md: every shell block prints what it shows, in a copy of the project", async () => {
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
  assert.match(
    answerTo("-mode=apply") ?? "",
    /\n2 changes made on .*\n👋 Hello World 🌍\n📝 you sent: Bob\n$/,
  );
});

Deno.test("README.md: the commands for machines with only Node are the same, through npx", () => {
  const [node] = shell.filter(usesNode);
  assert.ok(node);
  const prefix = "npx -y deno@2.9.6 ";
  const commands = node.text.split("\n").map((line) => {
    assert.ok(line.startsWith(prefix), line);
    return `deno ${line.slice(prefix.length)}`;
  });
  for (const command of commands) assert.ok(shell.some(({ text }) => text === command), command);
});

Deno.test("README.md: both commands for a fresh machine stand on the first screen", () => {
  const screen = readme.split("\n").slice(0, 40).join("\n");
  for (const command of ["task start -- -mode=http", "task test"]) {
    for (const prefix of ["deno ", "npx -y deno@2.9.6 "]) {
      assert.ok(screen.includes(`\n${prefix}${command}\n`), prefix + command);
    }
  }
});

Deno.test("docs/modes.md: has every mode", async () => {
  const page = await Deno.readTextFile(`${root}docs/modes.md`);
  for (const mode of modeNames) assert.match(page, new RegExp(`^\\|.*\`${mode}\``, "m"), mode);
});

Deno.test("docs/host-functions.md: has every function of the guest library", async () => {
  const page = await Deno.readTextFile(`${root}docs/host-functions.md`);
  const library = `${root}src/sdk/go/hostfunctions/`;
  for await (const { name } of Deno.readDir(library)) {
    const source = await Deno.readTextFile(library + name);
    for (const [, called = ""] of source.matchAll(/^func ([A-Z]\w*)\(/gm)) {
      assert.ok(page.includes(`\`${called}\``), called);
    }
  }
});

Deno.test("README.md: names only flags that exist", () => {
  const ours = readme.replaceAll(/.*tinygo build.*|`-gc=leaking`/g, "");
  const named = [...ours.matchAll(/(?:`| )-([a-z]\w+)(?==|`)/g)].map(([, name = ""]) => name);
  assert.ok(named.length > 10, `${named.length} flags`);
  for (const name of named) assert.ok(Object.hasOwn(flags, name), `-${name}`);
});

Deno.test("README.md: every file it links to exists", async () => {
  for (const [, path = ""] of readme.matchAll(/\]\((?!http)([^)]+)\)/g)) {
    await Deno.stat(root + path);
  }
});
