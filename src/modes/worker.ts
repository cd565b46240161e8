import { resolve } from "node:path";
import { isLoopback } from "../base/hosts.ts";
import type { Env } from "../base/io.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import { assertMayStart } from "../server/admin_guard.ts";
import { listen } from "../server/listen.ts";
import { openWorker } from "../worker/worker.ts";
import { listenOptionsOf } from "./listen_flags.ts";
import { capsuleCommand } from "./capsule_command.ts";
import type { Context } from "../base/context.ts";
import { type ModeServer, runServer } from "./mode_server.ts";

/** Runs the functions deployed to it until the process is stopped. */
export async function runWorker(options: ModeOptions<"worker">, context: Context): Promise<number> {
  await using worker = await startWorker(options, context);
  return await runServer(worker, context, {
    mode: "worker",
    fields: { reverseProxy: options.reverseProxy },
  });
}

/**
 * Starts a worker, and the functions that ran when it was stopped.
 *
 * @param functionHost the address on which functions listen; by default `-host`.
 */
export async function startWorker(
  options: ModeOptions<"worker">,
  { io, log }: Context,
  functionHost = options.host,
): Promise<ModeServer> {
  const { host, adminToken, workerDomain: domain, reverseProxy } = options;
  assertMayStart({ host, token: adminToken, what: "the worker" });
  if (isLoopback(functionHost) && !isLoopback(domain)) {
    log.warn(
      `functions listen on ${functionHost} only: for a proxy that reaches them at ${domain}, set -host, too`,
    );
  }
  const cwd = io.cwd();
  await using opened = new AsyncDisposableStack();
  const worker = await openWorker({
    command: capsuleCommand(options.capsulePath, cwd),
    data: resolve(cwd, options.data),
    state: options.state && resolve(cwd, options.state),
    host,
    functionHost,
    adminToken,
    proxy: { url: reverseProxy, backend: options.backend, token: options.proxyToken },
    registry: options.registry === undefined
      ? undefined
      : { url: options.registry, token: options.registryToken },
    domain,
    portCounter: options.httpPortCounter,
    healthMs: options.healthInterval,
    env: options.ca === undefined ? io.env : withAuthorities(io.env, resolve(cwd, options.ca)),
    log,
  });
  opened.defer(() => worker.stop(0));
  const server = await listen({
    handler: worker.handler,
    port: options.httpPort,
    ...listenOptionsOf(options, log),
  });
  opened.defer(() => server.stop(0));
  await worker.start();
  // The server finishes long before the functions do.
  let stopping: Promise<void> | undefined;
  const open = opened.move();
  return {
    url: server.url,
    about: `worker of ${worker.count} revisions behind ${reverseProxy}`,
    finished: server.finished.then(() => stopping),
    stop(graceMs) {
      const stopped = Promise.all([server.stop(graceMs), worker.stop(graceMs)]).then(() => {});
      stopping ??= stopped;
      return stopped;
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Adds the variable of `-ca`: the functions' processes trust the same authorities. */
function withAuthorities(env: Env, path: string): Env {
  const added = { CAPSULE_CA: path };
  return {
    get: (name) => name in added ? path : env.get(name),
    toObject: () => ({ ...env.toObject(), ...added }),
  };
}
