import { fileURLToPath } from "node:url";
import type { Loaded, LoadGenerator, Requests } from "./load.ts";

const script = fileURLToPath(new URL("./wrk_report.lua", import.meta.url));

/** Output of `wrk_report.lua`. Times are microseconds. */
interface Report {
  requests: number;
  duration: number;
  p50: number;
  p99: number;
  errors: number;
}

/** Loads a server with `wrk` on one thread. */
export class WrkLoad implements LoadGenerator {
  readonly name = "wrk";

  /** Reports whether `wrk` is on the PATH. */
  static async isHere(): Promise<boolean> {
    try {
      await new Deno.Command("wrk", { args: ["--version"], stdout: "null", stderr: "null" })
        .output();
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  async run(requests: Requests): Promise<Loaded> {
    // On a busy machine the interrupt may arrive before wrk handles it; then there is no report.
    for (let { seconds } = requests;; seconds *= 2) {
      const { report, text } = await runFor(seconds, requests);
      if (report) {
        return {
          requests: report.requests,
          perSecond: report.requests / report.duration * 1e6,
          p50Ms: report.p50 / 1000,
          p99Ms: report.p99 / 1000,
          errors: report.errors,
        };
      }
      if (seconds > 2) throw new Error(`wrk printed no report:\n${text}`);
    }
  }
}

/** Returns the report and all output of wrk. */
async function runFor(
  seconds: number,
  { url, connections, method, body = "" }: Requests,
): Promise<{ report?: Report; text: string }> {
  // wrk takes whole seconds; an interrupt ends it earlier, with a report.
  const child = new Deno.Command("wrk", {
    args: [
      "-t1",
      `-c${connections}`,
      `-d${Math.ceil(seconds) + 5}s`,
      "-s",
      script,
      url,
      method,
      body,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGINT"), seconds * 1000);
  const { stdout, stderr } = await child.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  const text = decoder.decode(stdout);
  const line = text.split("\n").find((each) => each.startsWith("{"));
  return {
    report: line === undefined ? undefined : JSON.parse(line),
    text: text + decoder.decode(stderr),
  };
}
