import { CallProcess } from "../call_process.ts";
import { modules } from "../contenders.ts";
import { atMost, byLength, type Line, type Row } from "../row.ts";
import { alternate, median, medianRatio } from "../statistics.ts";
import { digits } from "../table.ts";
import { hello } from "./throughput.ts";

/** Cost of a call on a fresh instance: reset, `_start` and call, beside a new instance. */
export const inProcess: Row = {
  name: "in-process",
  about: "reset, _start and call without HTTP, beside a new instance for each call",
  async run({ length }) {
    const lines: Line[] = [];
    const seconds = Math.min(length.seconds, 1);
    const rounds = length.rounds + byLength(length, { smoke: 0, quick: 2, full: 4 });
    for (
      const { what, module, limit } of [
        { what: "hello-http", module: modules.hello, limit: 10 },
        { what: "hello-http, -gc=leaking", module: modules.leaking, limit: 5 },
      ]
    ) {
      await using fresh = new CallProcess({ who: "naive", module });
      await using own = new CallProcess({ who: "capsule", module });
      const both = [fresh, own];
      await alternate(both, 1, (process) => process.run(seconds, hello.body));
      const [freshTimes = [], ownTimes = []] = await alternate(
        both,
        rounds,
        (process) => process.run(seconds, hello.body),
      );
      const ratio = medianRatio(ownTimes, freshTimes);
      const took = median(ownTimes);
      lines.push(
        { what, who: "naive new instance", seen: `${digits(median(freshTimes))} µs CPU` },
        {
          what,
          who: "ours",
          seen: `${digits(took)} µs CPU`,
          ratio: `${digits(ratio)} × new instance`,
          target: atMost(0.1, ratio),
        },
        { what, who: "ours", seen: `${digits(took)} µs CPU`, target: atMost(limit, took, "µs") },
      );
    }
    lines.push(...await componentLines({ seconds, rounds }));
    return lines;
  },
};

/** Reset and call of components; an adapter beside the preview1 that takes its place. */
async function componentLines(
  { seconds, rounds }: { seconds: number; rounds: number },
): Promise<Line[]> {
  await using small = new CallProcess({ who: "component", module: modules.component });
  const module = modules.componentAdapted;
  const adapter = { who: "component", module, flags: ["-adapter=component"] } as const;
  await using linked = new CallProcess(adapter);
  await using replaced = new CallProcess({ who: "component", module });
  const all = [small, linked, replaced];
  // V8 optimizes their code later than that of a module: there is more of it.
  await alternate(all, 4, (process) => process.run(seconds, "/print"));
  const [smallTimes = [], linkedTimes = [], replacedTimes = []] = await alternate(
    all,
    rounds,
    (process) => process.run(seconds, "/print"),
  );
  const took = median(smallTimes);
  const ratio = medianRatio(replacedTimes, linkedTimes);
  const what = "Rust component that prints, built with an adapter";
  const seen = (times: readonly number[]) => `${digits(median(times))} µs CPU`;
  return [
    {
      what: "Rust component",
      who: "ours",
      seen: seen(smallTimes),
      target: atMost(12, took, "µs"),
    },
    { what, who: "ours, -adapter=component", seen: seen(linkedTimes) },
    {
      what,
      who: "ours",
      seen: seen(replacedTimes),
      ratio: `${digits(ratio)} × the adapter`,
      target: atMost(0.95, ratio),
    },
  ];
}
