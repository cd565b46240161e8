import { equal } from "node:assert/strict";
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

Deno.test("the table has a line for each contender, and says which targets are met", () => {
  equal(
    table(sections),
    `row     what  who   median  ratio        target    met
------  ----  ----  ------  -----------  --------  ---
speed   GET   bare  100 /s
              ours  41 /s   0.41 × bare  ≥ 0.42    NO
memory  idle  ours  89 MiB               ≤ 90 MiB  yes
`,
  );
  equal(summary(sections), "1 of 2 targets met");
});

Deno.test("a target is met at its limit, and never by something that was not measured", () => {
  equal(atLeast(0.42, 0.42).met, true);
  equal(atMost(50, 50).met, true);
  equal(atMost(50, 50.1).met, false);
  equal(atLeast(0.42, NaN).met, false);
  equal(atMost(50, NaN).met, false);
});

Deno.test("numbers have three significant digits, and a dash stands for none", () => {
  equal(digits(58_234), "58,200");
  equal(digits(0.41234), "0.412");
  equal(digits(NaN), "–");
  equal(inMebibytes(1.5 * 2 ** 20), "1.5 MiB");
});
