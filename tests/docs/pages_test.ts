import assert from "node:assert/strict";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Flag } from "../../src/options/flag.ts";
import { flags } from "../../src/options/flags.ts";
import { readBlocks, runBlocks } from "./readme_blocks.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Pages for users; their commands are run as written. */
const pages = [
  "CONTRIBUTING.md",
  "SECURITY.md",
  "CHANGELOG.md",
  "scripts/package/README.md",
  ...[...Deno.readDirSync(`${root}docs`)].map(({ name }) => `docs/${name}`),
];

for (const page of pages) {
  const text = await Deno.readTextFile(root + page);
  const shell = readBlocks(text).filter(({ language }) => language === "sh");

  if (shell.length > 0) {
    Deno.test(`${page}: every shell block prints what it shows`, async () => {
      for (const { text, stdout, expected } of await runBlocks(shell)) {
        if (expected !== undefined) assert.equal(stdout, expected, text);
      }
    });
  }

  Deno.test(`${page}: every linked file and every named flag exists`, async () => {
    const folder = dirname(root + page);
    for (const [, path = ""] of text.matchAll(/\]\((?!http|#)([^)#]+)[^)]*\)/g)) {
      await Deno.stat(`${folder}/${path}`);
    }
    for (const [, name = ""] of text.matchAll(/`-([a-z]\w+)(?==|`)/g)) {
      assert.ok(Object.hasOwn(flags, name) || name === "flag" || name === "gc", `-${name}`);
    }
  });
}

Deno.test("docs/limits.md: its defaults are those of the flags", async () => {
  const text = await Deno.readTextFile(`${root}docs/limits.md`);
  const stated = [...text.matchAll(/`-(\w+)=(\w+)`/g)];
  assert.ok(stated.length > 6);
  for (const [, name = "", value] of stated) {
    const flag: Flag | undefined = new Map(Object.entries<Flag>(flags)).get(name);
    assert.equal(value, flag?.default, `-${name}`);
  }
});

Deno.test("docs: measured figures stand in docs/benchmarks.md alone", async () => {
  const figure = /\d\s?(µs|ns)\b|\d\.\d+ times/;
  for (const page of [...pages, "README.md", "src/README.md"]) {
    if (page === "docs/benchmarks.md") continue;
    assert.doesNotMatch(await Deno.readTextFile(root + page), figure, page);
  }
});
