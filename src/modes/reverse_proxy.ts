import { UsageError } from "../base/errors.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import { adminApi } from "../proxy/admin/admin_api.ts";
import { ConfigWatch } from "../proxy/routes/config_watch.ts";
import { HealthChecks } from "../proxy/upstreams/health_checks.ts";
import type { Log } from "../base/log.ts";
import type { RouteTable } from "../proxy/routes/change_routes.ts";
import { openTable } from "../proxy/routes/open_table.ts";
import { parseRanges } from "../proxy/clients/address_ranges.ts";
import { type ProxyOptions, ProxyServer } from "../proxy/proxy_server.ts";
import { readConfigFile } from "../proxy/routes/read_config.ts";
import { readTls } from "../proxy/clients/read_tls.ts";
import { defaultProxyTimeouts } from "../proxy/timeouts.ts";
import { adminGuard, assertMayStart } from "../server/admin_guard.ts";
import type { Context } from "../base/context.ts";
import { type ModeServer, runServer } from "./mode_server.ts";

type Options = ModeOptions<"reverse-proxy">;

/** Forwards requests to the servers of each function until the process is stopped. */
export async function runReverseProxy(options: Options, context: Context): Promise<number> {
  await using proxy = await startReverseProxy(options, context);
  const fields = { backend: options.backend ?? null };
  return await runServer(proxy, context, { mode: "reverse-proxy", fields });
}

/**
 * Starts a reverse proxy.
 *
 * @throws UsageError for flags that contradict each other; CapsuleError `CONFIG`, `ROUTES`,
 * `STORE`, `TLS`, `LISTEN`.
 */
export async function startReverseProxy(
  options: Options,
  { io, log }: Context,
): Promise<ModeServer> {
  assertConsistent(options);
  const { config, backend, crt, key, healthPath, healthInterval } = options;
  // Without a backend there is no admin interface.
  if (backend !== undefined) {
    const { host, adminToken: token } = options;
    assertMayStart({ host, token, what: "a proxy with an admin interface" });
  }
  const tls = crt !== undefined && key !== undefined ? await readTls(crt, key) : undefined;
  const read = config === undefined ? new Map() : await readConfigFile(config);
  await using opened = new AsyncDisposableStack();
  const { table, onRead } = await openTable({
    backend,
    config: read,
    routesFile: options.routes,
    env: io.env,
    log,
  });
  opened.use(table);
  const server = new ProxyServer({
    ...serverOptionsOf(options),
    tls,
    admin: adminOf(options, table, log),
    log,
  });
  opened.defer(() => server.stop(0));
  table.listen((routes) => server.update(routes));
  if (config !== undefined) {
    const watch = opened.use(new ConfigWatch({ path: config, read, table, onRead, log }));
    if (options.watch) watch.watch();
    reloadOnHangup(watch, opened);
  }
  if (healthPath !== undefined) {
    const checks = opened.use(
      new HealthChecks({
        path: healthPath,
        intervalMs: healthInterval,
        timeoutMs: Math.min(healthInterval, 5000),
        upstreams: () => server.routing.upstreams,
      }),
    );
    void checks.check();
  }
  const open = opened.move();
  return {
    url: server.url,
    about: `reverse proxy of ${table.routes.size} functions`,
    finished: server.finished,
    stop: (graceMs) => server.stop(graceMs),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

function serverOptionsOf(options: Options): Omit<ProxyOptions, "tls" | "admin" | "log"> {
  return {
    host: options.host,
    port: options.httpPort,
    timeouts: {
      ...defaultProxyTimeouts,
      connectMs: options.connectTimeout,
      firstByteMs: options.timeout,
      idleMs: options.idleTimeout,
    },
    balance: options.balance,
    hashHeader: options.hashHeader?.toLowerCase(),
    rules: { maxFails: options.maxFails, failTimeoutMs: options.failTimeout },
    trustedProxies: parseRanges(options.trustedProxies ?? []),
  };
}

function adminOf(
  { backend, adminToken: token, host }: Options,
  table: RouteTable,
  log: Log,
): ProxyOptions["admin"] {
  if (backend === undefined) return undefined;
  const guard = adminGuard({ token, host, sharesOrigin: true });
  return { root: backend, handler: adminApi(table, { backend, guard, log }).fetch };
}

function reloadOnHangup(watch: ConfigWatch, opened: AsyncDisposableStack): void {
  if (Deno.build.os === "windows") return; // which has no SIGHUP
  const reload = () => void watch.reload();
  Deno.addSignalListener("SIGHUP", reload);
  opened.defer(() => Deno.removeSignalListener("SIGHUP", reload));
}

/** @throws UsageError for flags that contradict each other. */
function assertConsistent(
  { config, backend, balance, hashHeader, healthPath }: Options,
): void {
  if (config === undefined && backend === undefined) {
    throw new UsageError(
      "-mode=reverse-proxy needs -config=PATH, -backend=memory or -backend=redis",
    );
  }
  if (hashHeader !== undefined && balance !== "hash") {
    throw new UsageError(`-hashHeader requires -balance=hash: the balance is ${balance}`);
  }
  if (hashHeader !== undefined && !/^[\w!#$%&'*+.^`|~-]+$/.test(hashHeader)) {
    throw new UsageError(`-hashHeader must be a header name: got "${hashHeader}"`);
  }
  if (healthPath !== undefined && !/^\/[\x21-\x7e]*$/.test(healthPath)) {
    throw new UsageError(
      `-healthPath must be a path that begins with a slash, such as /health: got "${healthPath}"`,
    );
  }
}
