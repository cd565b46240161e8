import assert from "node:assert/strict";
import { atLeast, atMost } from "../../../scripts/bench/row.ts";
import { digits, inMebibytes, summary, table } from "../../../scripts/bench/table.ts";

const sections = [
  {
    name: "speed",
    lines: [
      { what: "GET", who: "bare", seen: "100 /s" },
      {
        what: "GET",
        who: "ours",
        seen: "41 /s",
        ratio: "0.41 × bare",
        target: atLeast(0.42, 0.41),
      },
    ],
  },
  {
    name: "memory",
    lines: [{ what: "idle", who: "ours", seen: "89 MiB", target: atMost(90, 89, "MiB") }],
  },
];

Deno.test("table: has a line for each contender and shows which targets are met", () => {
  assert.equal(
    table(sections),
    `row     what  who   median  ratio        target    met
------  ----  ----  ------  -----------  --------  ---
speed   GET   bare  100 /s
              ours  41 /s   0.41 × bare  ≥ 0.42    NO
memory  idle  ours  89 MiB               ≤ 90 MiB  yes
`,
  );
  assert.equal(summary(sections), "1 of 2 targets met");
});

Deno.test("targets: are met at their limit, and never by NaN", () => {
  assert.equal(atLeast(0.42, 0.42).met, true);
  assert.equal(atMost(50, 50).met, true);
  assert.equal(atMost(50, 50.1).met, false);
  assert.equal(atLeast(0.42, NaN).met, false);
  assert.equal(atMost(50, NaN).met, false);
});

Deno.test("digits: keeps three significant digits; NaN is a dash", () => {
  assert.equal(digits(58_234), "58,200");
  assert.equal(digits(0.41234), "0.412");
  assert.equal(digits(NaN), "–");
  assert.equal(inMebibytes(1.5 * 2 ** 20), "1.5 MiB");
});
