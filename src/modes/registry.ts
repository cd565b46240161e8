import type { ModeOptions } from "../cli/flags.ts";
import { openRegistry } from "../registry/registry.ts";
import { assertMayStart } from "../server/admin_guard.ts";
import { announceReady } from "../server/announce_ready.ts";
import { errorResponse } from "../server/json_error.ts";
import { listen } from "../server/listen.ts";
import { serveUntilStopped } from "../server/serve_until_stopped.ts";
import type { World } from "./modes.ts";

/** Stores modules and gives them out until it is told to stop. */
export async function runRegistry(options: ModeOptions<"registry">, { log }: World): Promise<number> {
  const { host, httpPort: port, crt, key, files, adminToken, readToken, overwrite } = options;
  assertMayStart({ host, token: adminToken, what: "the registry" });
  await using registry = await openRegistry({
    files,
    host,
    log,
    adminToken,
    readToken,
    overwrite,
    maxUpload: options.maxUpload,
    graceMs: options.gcGrace,
  });
  const server = await listen({
    handler: registry.handler,
    host,
    port,
    tls: crt !== undefined && key !== undefined ? { crt, key } : undefined,
    onError: (error) => errorResponse(error, log),
  });
  const count = registry.store.catalog.modules().length;
  const { url } = server;
  const ready = () =>
    announceReady(log, {
      mode: "registry",
      url,
      sentence: `registry of ${count} modules in ${files} on ${url}`,
      fields: { files },
    });
  await serveUntilStopped(server, { log, ready });
  return 0;
}
