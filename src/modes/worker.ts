import { resolve } from "node:path";
import type { ModeOptions } from "../cli/flags.ts";
import { assertMayStart, isLoopback } from "../server/admin_guard.ts";
import { announceReady } from "../server/announce_ready.ts";
import { errorResponse } from "../server/json_error.ts";
import { listen } from "../server/listen.ts";
import { serveUntilStopped } from "../server/serve_until_stopped.ts";
import { openWorker } from "../worker/worker.ts";
import { launcherCommand } from "./launcher_command.ts";
import type { World } from "./modes.ts";

/** Starts functions that are deployed to it, until it is told to stop. */
export async function runWorker(options: ModeOptions<"worker">, { io, log }: World): Promise<number> {
  const { host, httpPort: port, crt, key, adminToken, workerDomain: domain, reverseProxy } = options;
  assertMayStart({ host, token: adminToken, what: "the worker" });
  if (isLoopback(host) && !isLoopback(domain)) {
    log.warn(`functions listen on ${host} only: for a proxy that reaches them at ${domain}, set -host, too`);
  }
  const cwd = io.cwd();
  const worker = await openWorker({
    command: launcherCommand(options.capsulePath, cwd),
    data: resolve(cwd, options.data),
    state: options.state && resolve(cwd, options.state),
    host,
    adminToken,
    proxy: { url: reverseProxy, backend: options.backend, token: options.proxyToken },
    registry: options.registry === undefined
      ? undefined
      : { url: options.registry, token: options.registryToken },
    domain,
    portCounter: options.httpPortCounter,
    healthMs: options.healthInterval,
    env: io.env,
    log,
  });
  try {
    const server = await listen({
      handler: worker.handler,
      host,
      port,
      tls: crt !== undefined && key !== undefined ? { crt, key } : undefined,
      onError: (error) => errorResponse(error, log),
    });
    worker.start();
    const { url } = server;
    // The server is done long before the functions are.
    let stopping: Promise<void> | undefined;
    const finished = server.finished.then(() => stopping);
    const stop = (graceMs: number) => {
      const stopped = Promise.all([server.stop(graceMs), worker.stop(graceMs)]).then(() => {});
      stopping ??= stopped;
      return stopped;
    };
    const sentence = `worker of ${worker.count} revisions on ${url}, registers with ${reverseProxy}`;
    const ready = () => announceReady(log, { mode: "worker", url, sentence, fields: { reverseProxy } });
    await serveUntilStopped({ finished, stop }, { log, ready });
    return 0;
  } catch (error) {
    await worker.stop(0);
    throw error;
  }
}
