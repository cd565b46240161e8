import { callsBesideComputing } from "../calls_beside_computing.ts";
import type { ComponentContenders } from "./contenders.ts";
import { modules } from "../contenders.ts";
import { atMost, type Bench, byLength, type Line } from "../row.ts";
import { digits } from "../table.ts";

/** Effect of one client whose component computes for seconds on others. */
export async function fairness(
  { ours, wasmtime }: ComponentContenders,
  { length, say }: Bench,
): Promise<Line[]> {
  const computeMs = byLength(length, { smoke: 100, quick: 2000, full: 2000 });
  const lastsMs = byLength(length, { smoke: 300, quick: 5000, full: 20_000 });
  const what = `Rust, p99 beside a call of ${computeMs / 1000} s`;
  say(what);
  const lines: Line[] = [];
  let quietMs = NaN;
  for (
    const { contender, who, hog } of [
      // The base line: latency of client and machine alone.
      { contender: ours, who: "ours, no computing client", hog: false },
      { contender: ours, who: ours.name, hog: true },
      { contender: wasmtime, who: wasmtime.name, hog: true },
    ]
  ) {
    await using server = await contender.start(modules.componentWork);
    const { p99Ms, seen } = await callsBesideComputing(server, { computeMs, lastsMs, hog });
    if (!hog) quietMs = p99Ms;
    const isOwn = who === ours.name;
    lines.push({
      what,
      who,
      seen,
      ratio: isOwn ? `${digits(p99Ms / quietMs)} × without a computing client` : undefined,
      target: isOwn ? atMost(20, p99Ms, "ms") : undefined,
    });
  }
  return lines;
}
