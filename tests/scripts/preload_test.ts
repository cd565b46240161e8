import assert from "node:assert/strict";
import { preloadLists } from "../../scripts/preload.ts";

Deno.test("preload: the lists have all files that a cli call loads", async () => {
  for (const { path, text } of await preloadLists()) {
    const written = await Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
    assert.equal(written, text, `run: deno run -A scripts/preload.ts, which writes ${path}`);
  }
});
