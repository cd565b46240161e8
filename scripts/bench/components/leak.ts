import type { ComponentContenders } from "./contenders.ts";
import { modules } from "../contenders.ts";
import { RequestCount } from "../request_count.ts";
import { atMost, type Bench, byLength, type Line } from "../row.ts";
import { digits, inMebibytes } from "../table.ts";

const mebibyte = 2 ** 20;

/** Resident memory while each call leaks 1 MiB of its guest's memory. */
export async function leak(
  { ours }: ComponentContenders,
  { load, length, say }: Bench,
): Promise<Line[]> {
  const marks = byLength(length, {
    smoke: [100, 500],
    quick: [20_000, 30_000],
    full: [50_000, 500_000, 1_000_000],
  });
  await using server = await ours.start(modules.componentWork);
  const sent = new RequestCount(server, load, { method: "POST", body: `leak ${mebibyte}` });
  const lines: Line[] = [];
  let firstBytes: number | undefined;
  for (const mark of marks) {
    const what = `Rust, after ${digits(mark)} calls that leak 1 MiB each`;
    say(what);
    await sent.reach(mark);
    const bytes = server.residentBytes();
    const more = bytes - (firstBytes ?? bytes);
    lines.push({
      what,
      who: ours.name,
      seen: inMebibytes(bytes),
      ratio: firstBytes === undefined ? undefined : `${inMebibytes(more)} above the first`,
      target: firstBytes === undefined ? undefined : atMost(10, more / mebibyte, "MiB"),
    });
    firstBytes ??= bytes;
  }
  return lines;
}
