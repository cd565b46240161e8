import { callsBesideComputing } from "../calls_beside_computing.ts";
import { modules, startOurs } from "../contenders.ts";
import { atMost, byLength, type Line, type Row } from "../row.ts";
import { digits } from "../table.ts";

/** Effect of one client that computes for seconds on others of its thread. */
export const fairness: Row = {
  name: "fairness",
  about: "trivial calls while another client computes for 2 s repeatedly, with and without slices",
  async run({ length, say }) {
    const computeMs = byLength(length, { smoke: 100, quick: 2000, full: 2000 });
    const lastsMs = byLength(length, { smoke: 300, quick: 5000, full: 20_000 });
    const what = `p99 beside a call of ${computeMs / 1000} s`;
    const lines: Line[] = [];
    const measured: number[] = [];
    for (
      const { who, flags, hog } of [
        // The base line: latency of client and machine alone.
        { who: "ours, no computing client", flags: [], hog: false },
        { who: "ours", flags: [], hog: true },
        { who: "ours, slices off", flags: ["-slice=1h"], hog: true },
      ]
    ) {
      say(who);
      await using server = await startOurs(modules.compute, ...flags);
      const { p99Ms, seen } = await callsBesideComputing(server, { computeMs, lastsMs, hog });
      const [quietMs] = measured;
      measured.push(p99Ms);
      lines.push({
        what,
        who,
        seen,
        ratio: quietMs === undefined
          ? undefined
          : `${digits(p99Ms / quietMs)} × without a computing client`,
        target: who === "ours" ? atMost(20, p99Ms, "ms") : undefined,
      });
    }
    return lines;
  },
};
