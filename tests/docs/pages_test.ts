import assert from "node:assert/strict";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Flag } from "../../src/options/flag.ts";
import { flags } from "../../src/options/flags.ts";
import { readBlocks, runBlocks } from "./readme_blocks.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Pages for people, whose commands are run as they stand. */
const pages = [
  "scripts/package/README.md",
  ...[...Deno.readDirSync(`${root}docs`)].map(({ name }) => `docs/${name}`),
];

for (const page of pages) {
  const text = await Deno.readTextFile(root + page);
  const shell = readBlocks(text).filter(({ language }) => language === "sh");

  if (shell.length > 0) {
    Deno.test(`${page}: every shell block does and prints what it says`, async () => {
      for (const { text, stdout, expected } of await runBlocks(shell)) {
        if (expected !== undefined) assert.equal(stdout, expected, text);
      }
    });
  }

  Deno.test(`${page}: every file that it links to or names is there, and every flag`, async () => {
    const folder = dirname(root + page);
    for (const [, path = ""] of text.matchAll(/\]\((?!http)([^)#]+)[^)]*\)/g)) {
      await Deno.stat(`${folder}/${path}`);
    }
    for (const [, name = ""] of text.matchAll(/`-([a-z]\w+)(?==|`)/g)) {
      assert.ok(Object.hasOwn(flags, name) || name === "flag" || name === "gc", `-${name}`);
    }
  });
}

Deno.test("docs/limits.md says the defaults that hold", async () => {
  const text = await Deno.readTextFile(`${root}docs/limits.md`);
  const said = [...text.matchAll(/`-(\w+)=(\w+)`/g)];
  assert.ok(said.length > 6);
  for (const [, name = "", value] of said) {
    const flag: Flag | undefined = new Map(Object.entries<Flag>(flags)).get(name);
    assert.equal(value, flag?.default, `-${name}`);
  }
});
