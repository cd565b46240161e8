import type { ComponentContenders } from "./contenders.ts";
import type { Contender } from "../contenders.ts";
import { atMost, type Bench, byLength, type Line } from "../row.ts";
import { alternate, median, medianRatio } from "../statistics.ts";
import { digits } from "../table.ts";

/** Time from the start of the process to the first response of a component of many megabytes. */
export async function firstAnswer(
  { ours, wasmtimeUncached }: ComponentContenders,
  { length, say }: Bench,
  javascript: string,
): Promise<Line[]> {
  const what = "JavaScript, start to first response";
  say(what);
  const contenders = [wasmtimeUncached, ours];
  const rounds = byLength(length, { smoke: 1, quick: 1, full: 3 });
  const samples = await alternate(
    contenders,
    rounds,
    (contender) => measure(contender, javascript),
  );
  const [others = [], own = []] = samples;
  return contenders.map(({ name }, index) => {
    const ratio = medianRatio(own, others);
    return {
      what,
      who: name,
      seen: `${digits(median(samples[index] ?? []))} ms`,
      ratio: name === ours.name ? `${digits(ratio)} × wasmtime` : undefined,
      target: name === ours.name ? atMost(0.3, ratio) : undefined,
    };
  });
}

async function measure(contender: Contender, module: string): Promise<number> {
  const beganMs = performance.now();
  await using server = await contender.start(module);
  const answer = await fetch(server.url);
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${contender.name}: ${answer.status} ${text}`);
  return performance.now() - beganMs;
}
