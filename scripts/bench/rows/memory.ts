import { bare, modules, ours } from "../contenders.ts";
import { RequestCount } from "../request_count.ts";
import { atMost, byLength, type Line, type Row } from "../row.ts";
import { alternate, median } from "../statistics.ts";
import { digits, inMebibytes } from "../table.ts";

const mebibyte = 2 ** 20;

/** The server's resident memory: after many requests, and idle. */
export const memory: Row = {
  name: "memory",
  about: "resident memory after many requests, and idle beside a bare Deno.serve",
  async run({ load, length, say }) {
    const lines: Line[] = [];
    const starts = byLength(length, { smoke: 1, quick: 3, full: 5 });
    const [bareBytes = [], ourBytes = []] = await alternate(
      [bare, ours],
      starts,
      async (contender) => {
        await using server = await contender.start(modules.hello);
        await fetch(server.url).then((answer) => answer.text());
        return server.residentBytes();
      },
    );
    const above = median(ourBytes) - median(bareBytes);
    lines.push(
      { what: "after one request", who: bare.name, seen: inMebibytes(median(bareBytes)) },
      {
        what: "after one request",
        who: ours.name,
        seen: inMebibytes(median(ourBytes)),
        ratio: `${inMebibytes(above)} above bare`,
        target: atMost(90, above / mebibyte, "MiB"),
      },
    );

    const marks = byLength(length, {
      smoke: [100, 500, 1000],
      quick: [20_000, 100_000, 200_000],
      full: [100_000, 500_000, 1_000_000],
    });
    await using server = await ours.start(modules.hello);
    const sent = new RequestCount(server, load);
    let first: number | undefined;
    for (const mark of marks) {
      say(`${digits(mark)} requests`);
      await sent.reach(mark);
      const bytes = server.residentBytes();
      const ratio = bytes / (first ?? bytes);
      lines.push({
        what: `after ${digits(mark)} requests`,
        who: ours.name,
        seen: inMebibytes(bytes),
        ratio: first === undefined ? undefined : `${digits(ratio)} × the first`,
        target: first === undefined ? undefined : atMost(1.1, ratio),
      });
      first ??= bytes;
    }
    return lines;
  },
};
