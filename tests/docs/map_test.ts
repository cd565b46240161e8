import assert from "node:assert/strict";
import { rooms } from "../../scripts/check_imports.ts";

const map = await Deno.readTextFile(new URL("../../src/README.md", import.meta.url));

Deno.test("src/README.md has every room, with what scripts/check_imports.ts lets it know", () => {
  const rows = new Map<string, string[]>();
  for (const [, room = "", , knows = ""] of map.matchAll(/^\| `(\w+)` +\|([^|]*)\|([^|]*)\|$/gm)) {
    rows.set(
      room,
      knows.trim() === "all above" ? [...rows.keys()] : knows.match(/\w+(?=`)/g) ?? [],
    );
  }
  assert.equal(rows.get("sdk")?.length, 0);
  rows.delete("sdk"); // Go, which the script does not look at
  const sorted = (entries: Iterable<[string, readonly string[]]>) =>
    [...entries].map(([room, knows]) => [room, [...knows].sort()]).sort();
  assert.deepEqual(sorted(rows), sorted(Object.entries(rooms)));
});

Deno.test("every file that src/README.md names is there", async () => {
  for (const [, path = ""] of map.matchAll(/`((?:\w+\/)+\w+\.(?:ts|sh))`/g)) {
    const folder = path.startsWith("scripts/") ? "../../" : "../../src/";
    await Deno.stat(new URL(folder + path, import.meta.url));
  }
});
