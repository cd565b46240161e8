import { CallProcess } from "../call_process.ts";
import { modules } from "../contenders.ts";
import { atMost, byLength, type Line, type Row } from "../row.ts";
import { alternate, median, medianRatio } from "../statistics.ts";
import { digits } from "../table.ts";

/** Workloads of `tests/testdata/go/compute`, each with the limit of its metering cost. */
const works = [
  { what: "JSON", body: "json 2000", limit: 1.12 },
  { what: "arithmetic", body: "arithmetic 20000000", limit: 1.1 },
  { what: "sieve", body: "sieve 10000", limit: 1.3 },
  { what: "strings", body: "strings 10000", limit: 1.1 },
  { what: "recursive Fibonacci", body: "fibonacci 30", limit: 1.6 },
] as const;
const trivial = "arithmetic 1";

/** Cost of step metering: the same work in the same module, metered and not. */
export const steps: Row = {
  name: "steps",
  about: "guests that compute, with and without the step counter in them",
  async run({ length, say }) {
    const seconds = byLength(length, { smoke: 0.005, quick: 0.2, full: 0.5 });
    const rounds = length.rounds + byLength(length, { smoke: 0, quick: 2, full: 6 });
    const lines: Line[] = [];
    for (const { what, body, limit } of works) {
      say(what);
      const module = modules.compute;
      await using uncounted = new CallProcess({ who: "uncounted", module });
      // Without pauses: the row measures the checks, not the pauses.
      const flags = ["-slice=1h", "-timeout=1h"];
      await using counted = new CallProcess({ who: "capsule", module, flags });
      // The cost of a call without work is subtracted.
      const work = async (process: CallProcess) =>
        await process.run(seconds, body) - await process.run(seconds / 10, trivial);
      const both = [uncounted, counted];
      await alternate(both, 1, work);
      const [before = [], after = []] = await alternate(both, rounds, work);
      const ratio = medianRatio(after, before);
      lines.push(
        { what, who: "uncounted", seen: `${digits(median(before) / 1000)} ms CPU` },
        {
          what,
          who: "ours",
          seen: `${digits(median(after) / 1000)} ms CPU`,
          ratio: `${digits(ratio)} × uncounted`,
          target: atMost(limit, ratio),
        },
      );
    }
    return lines;
  },
};
