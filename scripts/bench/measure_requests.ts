import { bare, type Contender, ours } from "./contenders.ts";
import { loadServer } from "./load_server.ts";
import type { ServerProcess } from "./processes.ts";
import { atLeast, type Bench, type Line } from "./row.ts";
import { alternate, median, medianRatio } from "./statistics.ts";
import { digits } from "./table.ts";

/** A request to a module, with its targets. */
export interface RequestWork {
  readonly name: string;
  readonly module: string;
  readonly method: "GET" | "POST";
  readonly body?: string;
  readonly connections: readonly number[];
  readonly contenders: readonly Contender[];
  /** Duration of the warm-up; by default half of one measurement. */
  readonly warmUpSeconds?: number;
  /** Minimum ratio of `ours` to the named contender, from 32 connections. */
  readonly targets: Readonly<Record<string, number>>;
}

/**
 * Measures requests a second of the contenders in alternation, each with its CPU time per request.
 * The contender named like `ours` is compared with the others.
 */
export async function measureRequests(
  work: RequestWork,
  { load, length, say }: Bench,
): Promise<Line[]> {
  const { contenders, module, method, body } = work;
  const indexOf = ({ name }: Contender) => contenders.findIndex((one) => one.name === name);
  const lines: Line[] = [];
  await using servers = new AsyncDisposableStack();
  const started: ServerProcess[] = [];
  for (const contender of contenders) started.push(servers.use(await contender.start(module)));
  const run = (server: ServerProcess, connections: number, seconds: number) =>
    loadServer(server, load, { connections, seconds, method, body });
  // Warm-up: V8 compiles the server.
  const { warmUpSeconds = length.seconds / 2 } = work;
  for (const server of started) await run(server, 32, warmUpSeconds);

  for (const connections of work.connections) {
    const what = `${work.name}, ${connections} connection${connections === 1 ? "" : "s"}`;
    say(what);
    const samples = await alternate(
      started,
      length.rounds,
      (server) => run(server, connections, length.seconds),
    );
    const perSecond = samples.map((rounds) => rounds.map((sample) => sample.perSecond));
    const cpu = samples.map((rounds) => rounds.map((sample) => sample.cpuMicroseconds));
    const own = perSecond[indexOf(ours)] ?? [];
    for (const [index, contender] of contenders.entries()) {
      const rounds = samples[index] ?? [];
      const errors = rounds.reduce((sum, sample) => sum + sample.errors, 0);
      const seen = `${digits(median(perSecond[index] ?? []))} /s, ${
        digits(median(cpu[index] ?? []))
      } µs CPU`;
      // Ours is compared with bare as a fraction, with all others as a multiple.
      const base = contender.name === ours.name ? bare : contender;
      const ratio = medianRatio(own, perSecond[indexOf(base)] ?? []);
      const limit = connections === 1 ? undefined : work.targets[base.name];
      const compared = contender.name !== bare.name && indexOf(base) >= 0;
      const cpuRatio = medianRatio(cpu[index] ?? [], cpu[indexOf(bare)] ?? []);
      const compare = contender.name === ours.name
        ? `${digits(ratio)} × bare, CPU ${digits(cpuRatio)} ×`
        : `ours is ${digits(ratio)} × this`;
      lines.push({
        what,
        who: contender.name,
        seen: errors === 0 ? seen : `${seen}, ${errors} ERRORS`,
        ratio: compared ? compare : undefined,
        target: compared && limit !== undefined
          ? atLeast(limit, errors === 0 ? ratio : NaN)
          : undefined,
      });
    }
  }
  return lines;
}
