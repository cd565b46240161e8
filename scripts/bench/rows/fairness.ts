import { modules, startOurs } from "../contenders.ts";
import { atMost, byLength, type Line, type Row } from "../row.ts";
import { percentile } from "../statistics.ts";
import { steadyCalls, timedCall } from "../steady_calls.ts";
import { digits } from "../table.ts";

const trivial = "arithmetic 1";
const trialSteps = 20_000_000;
const mostSteps = 2 ** 31 - 1; // TinyGo's int

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
      await timedCall(server.url, trivial, 10_000);
      const trial = await timedCall(server.url, `arithmetic ${trialSteps}`, 10_000);
      const steps = Math.min(mostSteps, Math.round(trialSteps / trial.elapsedMs * computeMs));
      const done = hog ? computeRepeatedly(server.url, steps, lastsMs) : idle(lastsMs);
      const seen = await steadyCalls(server.url, { body: trivial, perSecond: 200, done });
      const computed = await done;
      const p99Ms = percentile(seen.latenciesMs, 99);
      const p50Ms = percentile(seen.latenciesMs, 50);
      const [quietMs] = measured;
      measured.push(p99Ms);
      lines.push({
        what,
        who,
        seen:
          `${digits(p99Ms)} ms, median ${digits(p50Ms)} ms, ${
            seen.errors + computed.errors
          } errors` +
          (hog ? `; computed ${computed.calls} times` : ""),
        ratio: quietMs === undefined
          ? undefined
          : `${digits(p99Ms / quietMs)} × without a computing client`,
        target: who === "ours" ? atMost(20, p99Ms, "ms") : undefined,
      });
    }
    return lines;
  },
};

async function idle(lastsMs: number) {
  await new Promise((resolve) => setTimeout(resolve, lastsMs));
  return { calls: 0, errors: 0 };
}

async function computeRepeatedly(url: string, steps: number, lastsMs: number) {
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
