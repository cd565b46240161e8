import { callsBesideComputing } from "../../calls_beside_computing.ts";
import type { ComponentContenders } from "../../component_contenders.ts";
import { modules } from "../../contenders.ts";
import { atMost, type Bench, byLength, type Line } from "../../row.ts";

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
  for (const contender of [wasmtime, ours]) {
    await using server = await contender.start(modules.componentWork);
    const { p99Ms, seen } = await callsBesideComputing(server, { computeMs, lastsMs, hog: true });
    const target = contender === ours ? atMost(20, p99Ms, "ms") : undefined;
    lines.push({ what, who: contender.name, seen, target });
  }
  return lines;
}
