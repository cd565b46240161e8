import { bare, modules, naive, other, ours, oursReuse } from "../contenders.ts";
import { measureRequests, type RequestWork } from "../measure_requests.ts";
import { type Bench, byLength, type Line, type Row } from "../row.ts";

const greeting = `{"name":"Zoë","say":"👋 hi"}`; // 31 bytes

/** The request that the row `latency` shares. */
export const hello = { method: "POST", body: greeting, module: modules.hello } as const;

function works({ others, length }: Bench): RequestWork[] {
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
    for (const work of works(bench)) lines.push(...await measureRequests(work, bench));
    return lines;
  },
};
