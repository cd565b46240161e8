import { bare, type Contender, modules, naive, other, ours, oursReuse } from "../contenders.ts";
import { loadServer } from "../load_server.ts";
import type { ServerProcess } from "../processes.ts";
import { atLeast, type Bench, byLength, type Line, type Row } from "../row.ts";
import { alternate, median, medianRatio } from "../statistics.ts";
import { digits } from "../table.ts";

/** A request to a module, with its targets. */
interface Work {
  readonly name: string;
  readonly module: string;
  readonly method: "GET" | "POST";
  readonly body?: string;
  readonly connections: readonly number[];
  readonly contenders: readonly Contender[];
  /** Minimum ratio of `ours` to the named contender, from 32 connections. */
  readonly targets: Readonly<Record<string, number>>;
}

const greeting = `{"name":"Zoë","say":"👋 hi"}`; // 31 bytes

/** The request that the row `latency` shares. */
export const hello = { method: "POST", body: greeting, module: modules.hello } as const;

function works({ others, length }: Bench): Work[] {
  const own = byLength(length, {
    smoke: [ours],
    quick: [ours, oursReuse],
    full: [ours, oursReuse],
  });
  const all = [bare, ...own, naive, ...others.map(other)];
  // A function that never frees its memory grows without limit if its state is kept.
  const fresh = all.filter((contender) => contender !== naive && contender !== oursReuse);
  const some = byLength(length, { smoke: [2], quick: [1, 32, 256], full: [1, 32, 256] });
  const busy = byLength(length, { smoke: [2], quick: [32], full: [32, 256] });
  const whole = { [bare.name]: 0.42, [naive.name]: 8 };
  return [
    {
      ...hello,
      name: "GET",
      method: "GET",
      body: undefined,
      connections: some,
      contenders: all,
      targets: whole,
    },
    { ...hello, name: "POST 31 bytes", connections: some, contenders: all, targets: whole },
    {
      name: "-gc=leaking, GET",
      module: modules.leaking,
      method: "GET",
      connections: busy,
      contenders: fresh,
      targets: { [bare.name]: 0.6 },
    },
    {
      name: "-gc=leaking, POST 31 bytes",
      module: modules.leaking,
      method: "POST",
      body: greeting,
      connections: busy,
      contenders: fresh,
      targets: { [bare.name]: 0.6 },
    },
    {
      name: "allocates 1 MB",
      module: modules.allocate,
      method: "POST",
      body: "1000000",
      connections: byLength(length, { smoke: [2], quick: [32], full: [32] }),
      contenders: all.filter((contender) => contender !== bare),
      targets: {},
    },
  ];
}

/** Requests a second, and the server's CPU time per request. */
export const throughput: Row = {
  name: "throughput",
  about: "requests a second and processor time a request, at 1, 32 and 256 connections, one thread",
  async run(bench) {
    const lines: Line[] = [];
    for (const work of works(bench)) lines.push(...await measure(work, bench));
    return lines;
  },
};

async function measure(work: Work, { load, length, say }: Bench): Promise<Line[]> {
  const { contenders, module, method, body } = work;
  const lines: Line[] = [];
  await using servers = new AsyncDisposableStack();
  const started: ServerProcess[] = [];
  for (const contender of contenders) started.push(servers.use(await contender.start(module)));
  const run = (server: ServerProcess, connections: number, seconds: number) =>
    loadServer(server, load, { connections, seconds, method, body });
  // Warm-up: V8 compiles the server.
  for (const server of started) await run(server, 32, length.seconds / 2);

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
    const own = perSecond[contenders.indexOf(ours)] ?? [];
    for (const [index, contender] of contenders.entries()) {
      const rounds = samples[index] ?? [];
      const errors = rounds.reduce((sum, sample) => sum + sample.errors, 0);
      const seen = `${digits(median(perSecond[index] ?? []))} /s, ${
        digits(median(cpu[index] ?? []))
      } µs CPU`;
      // Ours is compared with bare as a fraction, with all others as a multiple.
      const base = contender === ours ? bare : contender;
      const ratio = medianRatio(own, perSecond[contenders.indexOf(base)] ?? []);
      const limit = connections === 1 ? undefined : work.targets[base.name];
      const compared = contender !== bare && contenders.includes(base);
      const cpuRatio = medianRatio(cpu[index] ?? [], cpu[contenders.indexOf(bare)] ?? []);
      const compare = contender === ours
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
