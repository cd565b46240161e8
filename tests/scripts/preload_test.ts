import assert from "node:assert/strict";
import { preloadLists } from "../../scripts/preload.ts";

const root = new URL("../../", import.meta.url);

Deno.test("preload: the lists have all files that a cli call loads", async () => {
  for (const { path, text } of await preloadLists()) {
    const written = await Deno.readTextFile(new URL(path, root));
    assert.equal(written, text, `run: deno run -A scripts/preload.ts, which writes ${path}`);
  }
});

Deno.test("preload: no file that a cli call loads imports a part of Node or a package", async () => {
  for (const { path, text } of await preloadLists()) {
    for (const [, name = ""] of text.matchAll(/"\.\.\/(.+)"/g)) {
      const source = await Deno.readTextFile(new URL(`src/${name}`, root));
      const [found] = /^import (?!type )[^;]*?from "(?!\.)[^"]+"/m.exec(source) ?? [];
      assert.equal(found, undefined, `${name}, in ${path}: it takes milliseconds of each start`);
    }
  }
});
