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

/** Options of a worker; durations in milliseconds. */
export interface WorkerOptions {
  /** The program that serves a function, with its first arguments. */
  readonly command: readonly [string, ...string[]];
  /** Absolute path of the folder for all files of the worker. */
  readonly data: string;
  /** Path of the state file; default `worker.json` in `data`. */
  readonly state?: string;
  /** The address that the worker listens on. */
  readonly host: string;
  /** The address that its functions listen on; default `host`. */
  readonly functionHost?: string;
  readonly adminToken?: string;
  readonly proxy: { readonly url: string; readonly backend: string; readonly token?: string };
  readonly registry?: { readonly url: string; readonly token?: string };
  /** The name by which the proxy reaches this machine. */
  readonly domain: string;
  /** Functions listen on the next free ports above it; 0 lets the system choose. */
  readonly portCounter: number;
  readonly healthMs: number;
  readonly env: Env;
  readonly log: Log;
  readonly delays?: RestartDelays;
  readonly timeouts?: DownloadTimeouts;
  /** Grace period of the requests to a removed instance; default 10 s. */
  readonly drainMs?: number;
}

/** A worker without its listener. */
export interface WorkerService {
  readonly handler: (request: Request) => Response | Promise<Response>;
  /** Number of deployed revisions. */
  readonly count: number;
  /**
   * Starts the instances of the saved state in the background. Resolves when the old routes are
   * removed from the proxy, or the proxy is unreachable: their ports may soon be those of other
   * functions.
   */
  start(): Promise<void>;
  /** Unregisters and ends all instances. The desired state stays, for the next start. */
  stop(graceMs: number): Promise<void>;
}

/** Timeout of a process's start. */
const startMs = 30_000;
/** Upper bound on the timeout of a health check. */
const maxCheckMs = 5000;
/** How long a request waits for a function that is asleep. */
const holdMs = 10_000;
const defaultDrainMs = 10_000;
const proxyMs = 5000;
const proxyIntervalMs = 1000;

/**
 * Opens the worker of a folder.
 *
 * @throws CapsuleError `STATE` if the state cannot be read, `IN_USE` if another worker uses the
 * folder or the state file.
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
  const { desired, routes } = await file.read(log);
  const processes = join(own, "processes");
  // A killed worker leaves them; its processes have ended with it.
  await Deno.remove(processes, { recursive: true }).catch(() => {});

  const address = bindHost(functionHost);
  const ports = new Ports(options.portCounter, address, (port) => leadsTo(reconciler.owned, port));
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
    desired,
    save: (desired) => file.save({ desired }),
    sync: () => reconciler.sync(),
    activator: (target, upstream) =>
      openActivator({ ...target, upstream, ports, hostname: address, domain, log }),
    delays: options.delays ?? defaultRestartDelays,
    health: {
      intervalMs: options.healthMs,
      timeoutMs: Math.min(maxCheckMs, Math.max(options.healthMs, 1000)),
    },
    drainMs: options.drainMs ?? defaultDrainMs,
    log,
  });
  const reconciler = new RouteReconciler({
    client: new ProxyClient({ ...proxy, url: proxyUrl, timeoutMs: proxyMs }),
    owned: routes,
    desired: () => deployments.routes(),
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
    await reconciler[Symbol.asyncDispose]();
    await runner[Symbol.asyncDispose]();
    held.dispose();
  };
  const held = opening.move();
  return {
    handler: (request) => api.fetch(request),
    get count() {
      return [...deployments.desired.values()].reduce(
        (sum, { revisions }) => sum + revisions.size,
        0,
      );
    },
    async start() {
      await reconciler.sync();
      deployments.revive();
    },
    async stop(graceMs) {
      // A second call must not use the proxy again.
      if (!isOver) await deployments.stop(graceMs);
      await (closing ??= close());
    },
  };
}

/** Opens the server that holds requests for a function that may sleep, on a port of its own. */
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
