import assert from "node:assert/strict";
import { rooms } from "../../scripts/check_imports.ts";

const map = await Deno.readTextFile(new URL("../../src/README.md", import.meta.url));

Deno.test("src/README.md: its table of rooms is that of scripts/check_imports.ts", () => {
  const rows = new Map<string, string[]>();
  for (const [, room = "", , knows = ""] of map.matchAll(/^\| `(\w+)` +\|([^|]*)\|([^|]*)\|$/gm)) {
    rows.set(
      room,
      knows.trim() === "all above" ? [...rows.keys()] : knows.match(/[\w./]+(?=`)/g) ?? [],
    );
  }
  assert.equal(rows.get("sdk")?.length, 0);
  rows.delete("sdk"); // Go, which the script does not check
  const sorted = (entries: Iterable<[string, readonly string[]]>) =>
    [...entries].map(([room, knows]) => [room, [...knows].sort()]).sort();
  assert.deepEqual(sorted(rows), sorted(Object.entries(rooms)));
});

Deno.test("src/README.md: every file it names exists", async () => {
  for (const [, path = ""] of map.matchAll(/`((?:\w+\/)+\w+\.(?:ts|sh))`/g)) {
    const folder = path.startsWith("scripts/") ? "../../" : "../../src/";
    await Deno.stat(new URL(folder + path, import.meta.url));
  }
});
