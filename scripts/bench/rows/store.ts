import { BackingServices } from "../backing_services.ts";
import { startOwnServer } from "../contenders.ts";
import { type LoadedServer, loadServer } from "../load_server.ts";
import type { ServerProcess } from "../processes.ts";
import { atLeast, type Line, type Row } from "../row.ts";
import { alternate, median, medianRatio } from "../statistics.ts";
import { digits } from "../table.ts";

const connections = 32;

/** A function that waits for one value of the store. */
export const store: Row = {
  name: "store",
  about:
    "RedisGet in a function at 32 connections, one thread, beside a server that asks Redis by the same client",
  async run({ load, length, say }) {
    await using services = await BackingServices.start();
    if (!services) {
      say("redis-server is not installed");
      return [];
    }
    await using servers = new AsyncDisposableStack();
    const bare = servers.use(await startOwnServer("redis_get", `${services.redisPort}`));
    const contenders: [string, ServerProcess][] = [
      ["bare ioredis", bare],
      ["ours, Redis", servers.use(await services.startOurs("redis"))],
      ["ours, embedded", servers.use(await services.startOurs("embedded"))],
    ];
    const run = ([, server]: [string, ServerProcess], seconds: number) =>
      loadServer(server, load, { connections, seconds, method: "GET" });
    for (const contender of contenders) {
      const [name, { url }] = contender;
      const answer = await (await fetch(url)).text();
      if (answer !== BackingServices.greeting) {
        throw new Error(`${name} answers ${JSON.stringify(answer)}`);
      }
      // Warm up: in its first second the server compiles.
      await run(contender, length.seconds / 2);
    }
    say(`${connections} connections`);
    const samples = await alternate(
      contenders,
      length.rounds,
      (contender) => run(contender, length.seconds),
    );
    const of = (index: number, pick: (sample: LoadedServer) => number) =>
      (samples[index] ?? []).map(pick);
    return contenders.map(([who], index): Line => {
      const perSecond = of(index, (sample) => sample.perSecond);
      const cpu = of(index, (sample) => sample.cpuMicroseconds);
      const errors = of(index, (sample) => sample.errors).reduce((sum, each) => sum + each, 0);
      const ratio = medianRatio(perSecond, of(0, (sample) => sample.perSecond));
      const cpuRatio = medianRatio(cpu, of(0, (sample) => sample.cpuMicroseconds));
      const seen = `${digits(median(perSecond))} /s, ${digits(median(cpu))} µs CPU`;
      return {
        what: `one value, ${connections} connections`,
        who,
        seen: errors === 0 ? seen : `${seen}, ${errors} ERRORS`,
        ratio: index === 0 ? undefined : `${digits(ratio)} × bare, CPU ${digits(cpuRatio)} ×`,
        target: who === "ours, Redis" ? atLeast(0.6, errors === 0 ? ratio : NaN) : undefined,
      };
    });
  },
};
