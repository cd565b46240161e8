import type { Loaded, LoadGenerator, Requests } from "./load.ts";
import type { ServerProcess } from "./processes.ts";

/** What a load came to, and what it took of the server's processor for each request. */
export interface LoadedServer extends Loaded {
  readonly cpuMicroseconds: number;
}

/** Loads a server; the URL is its own. */
export async function loadServer(
  server: ServerProcess,
  load: LoadGenerator,
  requests: Omit<Requests, "url">,
): Promise<LoadedServer> {
  const before = server.cpuSeconds();
  const loaded = await load.run({ ...requests, url: server.url });
  return { ...loaded, cpuMicroseconds: (server.cpuSeconds() - before) / loaded.requests * 1e6 };
}
