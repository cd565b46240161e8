import { modules, startOurs } from "../contenders.ts";
import { atMost, byLength, type Line, type Row } from "../row.ts";
import { percentile } from "../statistics.ts";
import { steadyCalls, timedCall } from "../steady_calls.ts";
import { digits } from "../table.ts";

const trivial = "arithmetic 1";
const trialSteps = 20_000_000;
const mostSteps = 2 ** 31 - 1; // TinyGo's int

/** What one client that computes for seconds does to everybody else on its thread. */
export const fairness: Row = {
  name: "fairness",
  about: "trivial calls while another client computes for 2 s, over and over, with slices and without",
  async run({ length, say }) {
    const computeMs = byLength(length, { smoke: 100, quick: 2000, full: 2000 });
    const lastsMs = byLength(length, { smoke: 300, quick: 5000, full: 20_000 });
    const what = `p99 beside a call of ${computeMs / 1000} s`;
    const lines: Line[] = [];
    const ofSlices: number[] = [];
    for (const [who, flags] of [["ours", []], ["ours, slices off", ["-slice=1h"]]] as const) {
      say(who);
      await using server = await startOurs(modules.compute, ...flags);
      await timedCall(server.url, trivial, 10_000);
      const trial = await timedCall(server.url, `arithmetic ${trialSteps}`, 10_000);
      const steps = Math.min(mostSteps, Math.round(trialSteps / trial.elapsedMs * computeMs));
      const hogs = computeOverAndOver(server.url, steps, lastsMs);
      const seen = await steadyCalls(server.url, { body: trivial, perSecond: 200, done: hogs });
      const computed = await hogs;
      const p99Ms = percentile(seen.latenciesMs, 99);
      ofSlices.push(p99Ms);
      lines.push({
        what,
        who,
        seen:
          `${digits(p99Ms)} ms, median ${
            digits(percentile(seen.latenciesMs, 50))
          } ms, ${seen.errors} errors; ` +
          `the other computed ${computed.calls} times, ${computed.errors} errors`,
        ratio: ofSlices.length === 1 ? undefined : `${digits(p99Ms / (ofSlices[0] ?? NaN))} × with slices`,
        target: ofSlices.length === 1 ? atMost(20, p99Ms, "ms") : undefined,
      });
    }
    return lines;
  },
};

async function computeOverAndOver(url: string, steps: number, lastsMs: number) {
  const endMs = performance.now() + lastsMs;
  let calls = 0;
  let errors = 0;
  while (performance.now() < endMs) {
    const { status } = await timedCall(url, `arithmetic ${steps}`, 60_000);
    calls++;
    if (status !== 200) errors++;
  }
  return { calls, errors };
}
