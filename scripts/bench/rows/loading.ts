import { BackingServices } from "../backing_services.ts";
import { modules } from "../contenders.ts";
import type { ServerProcess } from "../processes.ts";
import { atMost, byLength, type Line, type Row } from "../row.ts";
import { alternate, median, medianRatio } from "../statistics.ts";
import { digits, inMebibytes } from "../table.ts";

/** A state to measure: after the start, or after a first call with a body. */
interface Stage {
  readonly what: string;
  readonly who: string;
  readonly start: (services: BackingServices) => Promise<ServerProcess>;
  readonly body?: string;
}

const without = (services: BackingServices) => services.startOurs("embedded", modules.hello);
const embedded = (services: BackingServices) => services.startOurs("embedded");
const redis = (services: BackingServices) => services.startOurs("redis");

const stages: readonly Stage[] = [
  { what: "ready", who: "imports no store", start: without },
  { what: "ready", who: "imports all stores", start: redis },
  { what: "after one call", who: "imports no store", start: without, body: "" },
  { what: "after one call", who: "asks the embedded store", start: embedded, body: "" },
  { what: "after one call", who: "asks Redis", start: redis, body: "" },
  { what: "after one call", who: "asks Couchbase", start: redis, body: "SELECT 1" },
];

/** The time and memory of loading the stores' clients, which the first call does. */
export const loading: Row = {
  name: "loading",
  about:
    "start-up and memory of a function that imports no store, beside one that does and one that has used it",
  async run({ length, say }) {
    await using services = await BackingServices.start();
    if (!services) {
      say("redis-server is not installed");
      return [];
    }
    const samples = await alternate(
      stages,
      byLength(length, { smoke: 1, quick: 3, full: 11 }),
      async (stage) => {
        const beganMs = performance.now();
        await using server = await stage.start(services);
        if (stage.body !== undefined) {
          const init = stage.body === "" ? {} : { method: "POST", body: stage.body };
          const answer = await fetch(server.url, init);
          const text = await answer.text();
          if (answer.status !== 200) throw new Error(`${stage.who}: ${text}`);
        }
        return { elapsedMs: performance.now() - beganMs, bytes: server.residentBytes() };
      },
    );
    return stages.map(({ what, who }, index): Line => {
      // The baseline without a store comes first.
      const base = stages.findIndex((stage) => stage.what === what);
      const times = (of: number) => (samples[of] ?? []).map(({ elapsedMs }) => elapsedMs);
      const bytes = (of: number) => median((samples[of] ?? []).map((sample) => sample.bytes));
      const ratio = medianRatio(times(index), times(base));
      const more = (bytes(index) - bytes(base)) / 2 ** 20;
      return {
        what,
        who,
        seen: `${digits(median(times(index)))} ms, ${inMebibytes(bytes(index))}`,
        ratio: index === base ? undefined : `${digits(ratio)} ×, ${digits(more)} MiB more`,
        target: index === 1 ? atMost(5, more, "MiB") : undefined,
      };
    });
  },
};
