import type { ServerProcess } from "./processes.ts";
import { percentile } from "./statistics.ts";
import { steadyCalls, timedCall } from "./steady_calls.ts";
import { digits } from "./table.ts";

const trivial = "arithmetic 1";
const trialSteps = 20_000_000;
const mostSteps = 2 ** 31 - 1; // a signed integer of 32 bits

/** Latency of trivial calls, and the same as text. */
export interface BesideComputing {
  readonly p99Ms: number;
  /** p99, median, errors and computing calls. */
  readonly seen: string;
}

/**
 * Makes 200 trivial calls a second for `lastsMs` while another client's calls compute for
 * `computeMs` each, one after the other. The guest must do `arithmetic N`. Without `hog`, no other
 * client calls.
 */
export async function callsBesideComputing(
  { url }: ServerProcess,
  { computeMs, lastsMs, hog }: {
    readonly computeMs: number;
    readonly lastsMs: number;
    readonly hog: boolean;
  },
): Promise<BesideComputing> {
  await timedCall(url, trivial, 10_000);
  const trial = await timedCall(url, `arithmetic ${trialSteps}`, 10_000);
  const steps = Math.min(mostSteps, Math.round(trialSteps / trial.elapsedMs * computeMs));
  const done = hog ? computeRepeatedly(url, steps, lastsMs) : idle(lastsMs);
  const calls = await steadyCalls(url, { body: trivial, perSecond: 200, done });
  const computed = await done;
  const p99Ms = percentile(calls.latenciesMs, 99);
  const p50Ms = percentile(calls.latenciesMs, 50);
  return {
    p99Ms,
    seen:
      `${digits(p99Ms)} ms, median ${digits(p50Ms)} ms, ${calls.errors + computed.errors} errors` +
      (hog ? `; computed ${computed.calls} times` : ""),
  };
}

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
