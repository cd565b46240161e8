import type { ComponentContenders } from "./contenders.ts";
import { type Contender, modules, ours } from "../contenders.ts";
import { measureRequests, type RequestWork } from "../measure_requests.ts";
import { atMost, type Bench, byLength, type Line } from "../row.ts";
import { digits } from "../table.ts";

/** A service of WASI 0.3: requests a second, and calls that wait on one thread. */
export async function services(contenders: ComponentContenders, bench: Bench): Promise<Line[]> {
  const { bare, ours, oursReuse, wasmtimeService, wasmtimeSingleUse } = contenders;
  const compare = (
    name: string,
    contenders: readonly Contender[],
    targets: RequestWork["targets"],
  ) =>
    measureRequests({
      name,
      module: modules.service,
      method: "GET",
      connections: byLength(bench.length, { smoke: [2], quick: [32], full: [32] }),
      contenders,
      // V8 compiles the asynchronous ABI, which is much code, while it is called.
      warmUpSeconds: byLength(bench.length, { smoke: 0.1, quick: 3, full: 3 }),
      targets,
    }, bench);
  return [
    ...await compare("Rust of WASI 0.3, GET", [bare, ours, wasmtimeSingleUse], {
      [wasmtimeSingleUse.name]: 3,
    }),
    // Here both keep an instance for many requests.
    ...await compare("Rust of WASI 0.3, reused, GET", [oursReuse, wasmtimeService], {
      [wasmtimeService.name]: 1,
    }),
    ...await waits(contenders, bench),
  ];
}

/** Many calls that each wait for the clock, on one thread. */
async function waits({ ours: { start } }: ComponentContenders, bench: Bench): Promise<Line[]> {
  const calls = byLength(bench.length, { smoke: 10, quick: 1000, full: 1000 });
  const waitMs = byLength(bench.length, { smoke: 50, quick: 1000, full: 1000 });
  const what = `Rust of WASI 0.3, ${digits(calls)} calls that wait ${waitMs / 1000} s`;
  bench.say(what);
  await using server = await start(modules.service);
  const call = async () => await (await fetch(`${server.url}wait?${waitMs}`)).text();
  await call();
  const beganMs = performance.now();
  const answers = await Promise.all(Array.from({ length: calls }, () => call().catch(String)));
  const seconds = (performance.now() - beganMs) / 1000;
  const errors = answers.filter((answer) => answer !== "waited").length;
  return [{
    what,
    who: ours.name,
    seen: `${digits(seconds)} s in all, ${errors} errors`,
    target: atMost(1.5, errors === 0 ? seconds : NaN, "s"),
  }];
}
