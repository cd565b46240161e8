import { bare, ours } from "../contenders.ts";
import type { ServerProcess } from "../processes.ts";
import { atMost, type Row } from "../row.ts";
import { alternate, median, medianRatio } from "../statistics.ts";
import { digits } from "../table.ts";
import { hello } from "./throughput.ts";

/** Response time for a single client. */
export const latency: Row = {
  name: "latency",
  about: "median time of a response at 1 connection",
  async run({ load, length }) {
    await using servers = new AsyncDisposableStack();
    const contenders = [bare, ours];
    const started: ServerProcess[] = [];
    for (const contender of contenders) {
      started.push(servers.use(await contender.start(hello.module)));
    }
    const run = ({ url }: ServerProcess) =>
      load.run({ url, connections: 1, seconds: length.seconds, method: "GET" });
    for (const server of started) await run(server);
    const samples = await alternate(started, length.rounds, run);
    const medians = samples.map((rounds) => rounds.map(({ p50Ms }) => p50Ms * 1000));
    return contenders.map(({ name }, index) => {
      const ratio = medianRatio(medians[index] ?? [], medians[0] ?? []);
      return {
        what: "GET, 1 connection",
        who: name,
        seen: `${digits(median(medians[index] ?? []))} µs`,
        ratio: index === 0 ? undefined : `${digits(ratio)} × bare`,
        target: name === ours.name ? atMost(2.5, ratio) : undefined,
      };
    });
  },
};
