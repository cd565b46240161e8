import assert from "node:assert/strict";
import { formattedPage } from "../../scripts/flags_page.ts";
import { storeVariables } from "../../src/store/variables.ts";

const read = (path: string) => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));

Deno.test("flags page: is generated from the table of flags", async () => {
  const page = await read("docs/flags.md");
  assert.ok(
    page === await formattedPage(),
    "it is not up to date: run deno run -A scripts/flags_page.ts",
  );
});

Deno.test("storeVariables: are the variables that the settings read", async () => {
  const read_ = (await read("src/store/settings.ts")).matchAll(/(?:read|get)\("([A-Z_]+)"\)/g);
  const names = new Set([...read_].map(([, name]) => name));
  assert.deepEqual([...names].sort(), Object.keys(storeVariables).sort());
});
