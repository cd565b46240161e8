import type { Loaded, LoadGenerator, Requests } from "./load.ts";
import type { ServerProcess } from "./processes.ts";

/** The result of a load, with the server's CPU time per request. */
export interface LoadedServer extends Loaded {
  readonly cpuMicroseconds: number;
}

/** Loads a server at its URL. */
export async function loadServer(
  server: ServerProcess,
  load: LoadGenerator,
  requests: Omit<Requests, "url">,
): Promise<LoadedServer> {
  const before = server.cpuSeconds();
  const loaded = await load.run({ ...requests, url: server.url });
  return { ...loaded, cpuMicroseconds: (server.cpuSeconds() - before) / loaded.requests * 1e6 };
}
