import type { ModeOptions } from "../cli/flags.ts";
import { announceReady } from "../server/announce_ready.ts";
import { serveUntilStopped } from "../server/serve_until_stopped.ts";
import { loadFunction } from "./function_of.ts";
import type { World } from "./modes.ts";
import { moduleBytes } from "./module_bytes.ts";
import { serveFunction } from "./serve_function.ts";

/** Serves the function until the process is told to stop: every request is a call. */
export async function runHttp(options: ModeOptions<"http">, world: World): Promise<number> {
  const { log } = world;
  const module = await moduleBytes(options, world, "http");
  const { name } = module;
  const blueprint = await loadFunction(options, world, { ...module, mode: "http" });
  const serving = { options, name, blueprint, port: options.httpPort };
  const server = options.threads === 1
    ? await serveFunction(serving, world)
    : await (await import("./http_threads.ts")).serveOnThreads(serving, world);
  try {
    const { url } = server;
    const ready = () => announceReady(log, { mode: "http", url, sentence: `serving ${name} on ${url}` });
    await serveUntilStopped(server, { log, ready });
    return 0;
  } finally {
    await server.close();
  }
}
