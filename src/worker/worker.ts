import { join } from "node:path";
import { messageOf } from "../base/errors.ts";
import type { Env } from "../base/io.ts";
import type { Log } from "../base/log.ts";
import { Activator, type ActivatorOptions, ProxyClient } from "../proxy/public.ts";
import { adminGuard } from "../server/admin_guard.ts";
import { bindHost, urlHost } from "../base/hosts.ts";
import type { DownloadTimeouts } from "../source/http_download.ts";
import { defaultRestartDelays, type RestartDelays } from "./run/instance_state.ts";
import { Deployments } from "./deployments.ts";
import { StartError } from "./run/function_runner.ts";
import { holdFolder, holdState } from "./state/hold.ts";
import type { InstanceActivator } from "./run/instance.ts";
import { Modules } from "./run/modules.ts";
import { Ports } from "./run/ports.ts";
import { ProcessRunner } from "./run/process_runner.ts";
import { RouteReconciler } from "./routes/route_reconciler.ts";
import { leadsTo } from "./routes/routes.ts";
import { StateFile } from "./state/state_file.ts";
import { workerApi } from "./worker_api.ts";

/** A worker's settings; durations in milliseconds. */
export interface WorkerOptions {
  /** The launcher that serves the functions, and its first arguments. */
  readonly command: readonly [string, ...string[]];
  /** Everything of the worker's own lies below it, absolute. */
  readonly data: string;
  /** Where the state is kept; `worker.json` in `data` if not given. */
  readonly state?: string;
  /** The address on which the worker listens. */
  readonly host: string;
  /** The address on which its functions do; the same if not given. */
  readonly functionHost?: string;
  readonly adminToken?: string;
  readonly proxy: { readonly url: string; readonly backend: string; readonly token?: string };
  readonly registry?: { readonly url: string; readonly token?: string };
  /** By which name the proxy reaches this machine. */
  readonly domain: string;
  /** Functions listen on the next free ports above it; 0 lets the system choose. */
  readonly portCounter: number;
  readonly healthMs: number;
  readonly env: Env;
  readonly log: Log;
  readonly delays?: RestartDelays;
  readonly timeouts?: DownloadTimeouts;
  /** How long requests may finish of what is removed; 10 s if not given. */
  readonly drainMs?: number;
}

/** A worker, as a function from request to response. */
export interface WorkerService {
  readonly handler: (request: Request) => Response | Promise<Response>;
  /** How many revisions are deployed. */
  readonly count: number;
  /**
   * Starts what ran when the worker was stopped, in the background. First its old routes are taken out of the proxy: they lead to
   * ports that may be another function's in a moment. Resolves when the proxy was told so, or is away.
   */
  start(): Promise<void>;
  /** Unregisters all, lets it finish for so long, and ends it. What is wanted stays: the next start has it again. */
  stop(graceMs: number): Promise<void>;
}

/** How long a process may take to serve, and to answer a check. */
const startMs = 30_000;
const longestCheckMs = 5000;
/** How long a request waits for a function that sleeps. */
const holdMs = 10_000;
const defaultDrainMs = 10_000;
const proxyMs = 5000;
const proxyIntervalMs = 1000;

/**
 * Opens the worker of a folder.
 *
 * @throws CapsuleError `STATE` when the state cannot be read, `IN_USE` when another worker has the folder or the state file.
 */
export async function openWorker(options: WorkerOptions): Promise<WorkerService> {
  const {
    command,
    data,
    host,
    functionHost = host,
    adminToken,
    proxy,
    domain,
    env,
    log,
    registry,
  } = options;
  const own = join(data, "worker");
  using opening = new DisposableStack();
  opening.use(await holdFolder(own, "worker"));
  const state = options.state ?? join(data, "worker.json");
  opening.use(await holdState(state));
  const file = new StateFile(state);
  const { wanted, routes } = await file.read(log);
  const processes = join(own, "processes");
  // Of a worker that was killed; its processes have ended with it.
  await Deno.remove(processes, { recursive: true }).catch(() => {});

  const address = bindHost(functionHost);
  const ports = new Ports(options.portCounter, address, (port) => leadsTo(keeper.owned, port));
  const runner = new ProcessRunner({
    command,
    host: address,
    domain,
    ports,
    folder: processes,
    data,
    env,
    startMs,
  });
  const proxyUrl = proxy.url.replace(/\/+$/, "");
  const deployments: Deployments = new Deployments({
    runner,
    modules: new Modules({
      folder: join(own, "modules"),
      registry,
      env,
      log,
      timeouts: options.timeouts,
    }),
    wanted,
    save: (wanted) => file.save({ wanted }),
    sync: () => keeper.sync(),
    activator: (what, upstream) =>
      openActivator({ ...what, upstream, ports, hostname: address, domain, log }),
    delays: options.delays ?? defaultRestartDelays,
    health: {
      intervalMs: options.healthMs,
      timeoutMs: Math.min(longestCheckMs, Math.max(options.healthMs, 1000)),
    },
    drainMs: options.drainMs ?? defaultDrainMs,
    log,
  });
  const keeper = new RouteReconciler({
    client: new ProxyClient({ ...proxy, url: proxyUrl, timeoutMs: proxyMs }),
    owned: routes,
    wanted: () => deployments.routes(),
    save: (routes) => file.save({ routes }),
    intervalMs: proxyIntervalMs,
    log,
  });
  const api = workerApi({
    deployments,
    proxyUrl,
    env,
    guard: adminGuard({ token: adminToken, host }),
    log,
  });
  let isOver = false;
  let closing: Promise<void> | undefined;
  const close = async () => {
    isOver = true;
    await keeper[Symbol.asyncDispose]();
    await runner[Symbol.asyncDispose]();
    held.dispose();
  };
  const held = opening.move();
  return {
    handler: (request) => api.fetch(request),
    get count() {
      return [...deployments.wanted.values()].reduce(
        (sum, { revisions }) => sum + revisions.size,
        0,
      );
    },
    async start() {
      await keeper.sync();
      deployments.revive();
    },
    async stop(graceMs) {
      // Whoever disposes of it after it was stopped asks the proxy for nothing more.
      if (!isOver) await deployments.stop(graceMs);
      await (closing ??= close());
    },
  };
}

/** The server before a function that sleeps, on a port of its own. */
function openActivator(
  { ports, domain, ...options }: Omit<ActivatorOptions, "port" | "holdMs"> & {
    ports: Ports;
    domain: string;
  },
): InstanceActivator {
  const port = ports.take();
  let activator: Activator;
  try {
    activator = new Activator({ ...options, port, holdMs });
  } catch (error) {
    ports.release(port);
    throw new StartError("PORT_TAKEN", `cannot listen on port ${port}: ${messageOf(error)}`);
  }
  return {
    url: `http://${urlHost(domain)}:${activator.port}`,
    get requests() {
      return activator.requests;
    },
    idleMs: () => activator.idleMs(),
    async stop(graceMs) {
      await activator.stop(graceMs);
      ports.release(port);
    },
  };
}
