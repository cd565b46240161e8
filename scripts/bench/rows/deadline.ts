import { modules, startOurs } from "../contenders.ts";
import { atMost, byLength, type Row } from "../row.ts";
import { median } from "../statistics.ts";
import { steadyCalls, timedCall } from "../steady_calls.ts";
import { digits } from "../table.ts";

/** Delay until an endless guest is stopped, and errors of other clients meanwhile. */
export const deadline: Row = {
  name: "deadline",
  about: "an endless guest, stopped repeatedly beside a client of trivial calls",
  async run({ length }) {
    const limitMs = byLength(length, { smoke: 100, quick: 300, full: 1000 });
    const times = byLength(length, { smoke: 2, quick: 10, full: 20 });
    await using server = await startOurs(modules.loop, `-timeout=${limitMs}ms`);
    const over: number[] = [];
    let stopped = 0;
    const loops = (async () => {
      for (let i = 0; i < times; i++) {
        const { status, elapsedMs } = await timedCall(server.url, "forever", limitMs + 3000);
        over.push(elapsedMs - limitMs);
        if (status === 504) stopped++;
        else if (status === 0) return; // it was not stopped, so the thread serves no other call
      }
    })();
    await timedCall(server.url, "", 1000);
    const gone = loops.then(async () => {
      if (stopped < over.length) await server[Symbol.asyncDispose]();
    });
    const beside = await steadyCalls(server.url, { body: "", perSecond: 100, done: gone });
    const worstMs = Math.max(...over);
    return [
      {
        what: `-timeout=${limitMs / 1000}s, ${times} times`,
        who: "the loop",
        seen: `stopped ${stopped} times; late by ${digits(median(over))} ms, at most ${
          digits(worstMs)
        } ms`,
        ratio: `${digits((limitMs + worstMs) / limitMs)} × the time-out`,
        target: atMost(50, stopped === times ? worstMs : Infinity, "ms"),
      },
      {
        what: `-timeout=${limitMs / 1000}s, ${times} times`,
        who: "other clients",
        seen: `${beside.errors} errors in ${beside.latenciesMs.length} calls`,
        target: atMost(0, beside.errors, "errors"),
      },
    ];
  },
};
