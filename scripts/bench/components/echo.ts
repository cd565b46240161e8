import type { ComponentContenders } from "./contenders.ts";
import { modules } from "../contenders.ts";
import { echoBytes } from "../echo_bytes.ts";
import type { ServerProcess } from "../processes.ts";
import { atLeast, atMost, type Bench, byLength, type Line } from "../row.ts";
import { alternate, median, medianRatio } from "../statistics.ts";
import { digits, inMebibytes } from "../table.ts";

const mebibyte = 2 ** 20;

/** A large body through a component that responds with it: throughput and additional memory. */
export async function echo(
  { ours, wasmtime }: ComponentContenders,
  { length, say }: Bench,
): Promise<Line[]> {
  const bytes = byLength(length, { smoke: 8, quick: 256, full: 1024 }) * mebibyte;
  const what = `Rust, echo of ${inMebibytes(bytes)}`;
  say(what);
  const contenders = [wasmtime, ours];
  await using servers = new AsyncDisposableStack();
  const started: ServerProcess[] = [];
  for (const { start } of contenders) started.push(servers.use(await start(modules.component)));
  for (const { port } of started) await echoBytes(port, 1);
  const samples = await alternate(started, length.rounds, (server) => measure(server, bytes));
  const rates = samples.map((rounds) => rounds.map(({ mebibytesPerSecond }) => mebibytesPerSecond));
  return contenders.map(({ name }, index) => {
    const isOwn = name === ours.name;
    const more = Math.max(...samples[index]?.map((sample) => sample.moreBytes) ?? []);
    const ratio = medianRatio(rates[1] ?? [], rates[0] ?? []);
    const line = {
      who: name,
      what,
      seen: `${digits(median(rates[index] ?? []))} MiB/s`,
      ratio: isOwn ? `${digits(ratio)} × wasmtime` : undefined,
      target: isOwn ? atLeast(0.7, ratio) : undefined,
    };
    const memory = {
      who: name,
      what: `${what}, most memory above that before`,
      seen: inMebibytes(more),
      target: isOwn ? atMost(32, more / mebibyte, "MiB") : undefined,
    };
    return [line, memory];
  }).flat().sort((a, b) => a.what.length - b.what.length);
}

async function measure(server: ServerProcess, bytes: number) {
  const beforeBytes = server.residentBytes();
  server.resetPeak();
  const seconds = await echoBytes(server.port, bytes);
  return {
    mebibytesPerSecond: bytes / mebibyte / seconds,
    moreBytes: server.peakBytes() - beforeBytes,
  };
}
