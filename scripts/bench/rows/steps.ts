import { CallProcess } from "../call_process.ts";
import { modules } from "../contenders.ts";
import { atMost, byLength, type Line, type Row } from "../row.ts";
import { alternate, median, medianRatio } from "../statistics.ts";
import { digits } from "../table.ts";

/** Works of `tests/testdata/go/compute` of some 30 ms, and what the counter may cost each. */
const works = [
  { what: "JSON", name: "json", count: 2000, limit: 1.12 },
  { what: "arithmetic", name: "arithmetic", count: 20_000_000, limit: 1.1 },
  { what: "sieve", name: "sieve", count: 5_000_000, limit: 1.3 },
  { what: "strings", name: "strings", count: 30_000, limit: 1.1 },
  { what: "recursive Fibonacci", name: "fibonacci", count: 32, limit: 1.6 },
] as const;

/** What the step counter costs: the same work in the module as we run it, and in the module as it was built. */
export const steps: Row = {
  name: "steps",
  about: "guests that compute, prepared beside unprepared",
  async run({ length, say }) {
    const lines: Line[] = [];
    const seconds = byLength(length, { smoke: 0.01, quick: 0.2, full: 0.5 });
    for (const { what, name, count, limit } of works) {
      say(what);
      const body = `${name} ${length.name === "smoke" ? 10 : count}`;
      const module = modules.compute;
      await using unprepared = new CallProcess({ who: "naive", module, body });
      // Without pauses: the price of looking is asked for, not that of stepping aside.
      await using prepared = new CallProcess({
        who: "capsule",
        module,
        body,
        flags: ["-slice=1h", "-timeout=1h"],
      });
      const both = [unprepared, prepared];
      await alternate(both, 1, (process) => process.run(seconds));
      const rounds = length.rounds + byLength(length, { smoke: 0, quick: 2, full: 6 });
      const [before = [], after = []] = await alternate(both, rounds, (process) => process.run(seconds));
      const ratio = medianRatio(after, before);
      lines.push(
        { what, who: "unprepared", seen: `${digits(median(before) / 1000)} ms` },
        {
          what,
          who: "ours",
          seen: `${digits(median(after) / 1000)} ms`,
          ratio: `${digits(ratio)} × unprepared`,
          target: atMost(limit, ratio),
        },
      );
    }
    return lines;
  },
};
