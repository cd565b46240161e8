import assert from "node:assert/strict";
import { benchmarksPage, provenance } from "../../../scripts/bench/page.ts";
import { atLeast } from "../../../scripts/bench/row.ts";
import { rows } from "../../../scripts/bench/rows.ts";

Deno.test("benchmarksPage: names date, commit and machine, and each row with its anchor", () => {
  const page = benchmarksPage(
    [
      {
        name: "throughput",
        lines: [{
          what: "GET",
          who: "ours | 1",
          seen: "41 /s",
          ratio: "0.41 × bare",
          target: atLeast(0.42, 0.41),
        }],
      },
      { name: "start", lines: [] },
    ],
    { date: "2026-01-02", commit: "abc123", machine: "2 × X", load: "wrk" },
  );
  for (const line of ["- Date: 2026-01-02, commit abc123", "- Machine: 2 × X", "- Load: wrk"]) {
    assert.ok(page.includes(`${line}\n`), line);
  }
  assert.match(page, /^0 of 1 targets met\.$/m);
  assert.match(page, /^## throughput\n\nRequests a second/m);
  assert.match(page, /^\| GET \| ours \\\| 1 \| 41 \/s \| 0\.41 × bare \| ≥ 0\.42 \| no \|$/m);
  assert.match(page, /^## start\n\n.*\n\n(- .*\n)+\nNot measured on this machine/m);
});

Deno.test("benchmarksPage: replaces measured rows and keeps the others, in the order of rows", () => {
  const line = (met: boolean) => ({
    what: "GET",
    who: "ours",
    seen: "1 /s",
    target: { text: "≥ 2", met },
  });
  const about = (commit: string) => ({ date: "2026-01-02", commit, machine: "X", load: "wrk" });
  const before = benchmarksPage(
    [
      { name: "no-row", lines: [line(true)] },
      { name: "cli", lines: [line(true)] },
      { name: "start", lines: [line(false)] },
    ],
    about("before"),
  );
  const after = benchmarksPage(
    [
      { name: "throughput", lines: [line(true)] },
      { name: "start", lines: [line(true)] },
    ],
    about("after"),
    before,
  );
  assert.deepEqual(after.match(/^## .*$/gm), ["## throughput", "## cli", "## start"]);
  assert.deepEqual(after.match(/(?<=commit )\w+$/gm), ["after", "before", "after"]);
  assert.match(after, /^3 of 3 targets met\.$/m);
});

Deno.test("provenance: names the commit and this Deno", async () => {
  const { commit, machine } = await provenance("wrk");
  assert.match(commit, /^[0-9a-f]{10}(-dirty)?$/);
  assert.ok(machine.endsWith(`Deno ${Deno.version.deno}`), machine);
});

Deno.test("docs/benchmarks.md: has every row", async () => {
  const page = await Deno.readTextFile(new URL("../../../docs/benchmarks.md", import.meta.url));
  for (const { name } of rows) assert.ok(page.includes(`\n## ${name}\n`), name);
});
