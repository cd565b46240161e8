import type { Loaded, LoadGenerator, Requests } from "./load.ts";

const specifier = "npm:autocannon@8.0.0";

/** The fields of autocannon's JSON used here: times in ms, the duration in seconds. */
interface Report {
  requests: { total: number };
  duration: number;
  latency: { p50: number; p99: number };
  errors: number;
  timeouts: number;
  non2xx: number;
}

/** Loads a server with autocannon in its own process, for machines without `wrk`. */
export class AutocannonLoad implements LoadGenerator {
  readonly name = "autocannon";
  readonly caution =
    "autocannon is slower than a bare server, so ratios to bare look better than they are, and " +
    "its latencies are whole milliseconds: install wrk, or read only the CPU times";

  async run({ url, connections, seconds, method, body }: Requests): Promise<Loaded> {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-lock", specifier, "--json", "--no-progress"],
        ...[`--connections=${connections}`, `--duration=${Math.max(1, Math.round(seconds))}`],
        ...[`--method=${method}`, ...(body === undefined ? [] : [`--body=${body}`])],
        url,
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    if (!success) throw new Error(`${specifier} failed:\n${new TextDecoder().decode(stderr)}`);
    const report: Report = JSON.parse(new TextDecoder().decode(stdout));
    return {
      requests: report.requests.total,
      perSecond: report.requests.total / report.duration,
      p50Ms: report.latency.p50,
      p99Ms: report.latency.p99,
      errors: report.errors + report.timeouts + report.non2xx,
    };
  }
}
