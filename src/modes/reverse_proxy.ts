import { UsageError } from "../base/errors.ts";
import type { ModeOptions } from "../cli/flags.ts";
import { adminApi } from "../proxy/admin_api.ts";
import { ConfigWatch } from "../proxy/config_watch.ts";
import { HealthChecks } from "../proxy/health_checks.ts";
import { openTable } from "../proxy/open_table.ts";
import { parseRanges } from "../proxy/address_ranges.ts";
import { ProxyServer } from "../proxy/proxy_server.ts";
import { readConfigFile } from "../proxy/read_config.ts";
import { readTls } from "../proxy/read_tls.ts";
import { defaultTimeouts } from "../proxy/timeouts.ts";
import { adminGuard, assertMayStart } from "../server/admin_guard.ts";
import { announceReady } from "../server/announce_ready.ts";
import { serveUntilStopped } from "../server/serve_until_stopped.ts";
import type { World } from "./modes.ts";

/** Sends each function's requests to whoever serves it, until it is told to stop. */
export async function runReverseProxy(
  options: ModeOptions<"reverse-proxy">,
  { io, log }: World,
): Promise<number> {
  const { host, httpPort: port, config, backend, adminToken: token, crt, key } = options;
  if (config === undefined && backend === undefined) {
    throw new UsageError("-mode=reverse-proxy needs -config=PATH, -backend=memory or -backend=redis");
  }
  // A proxy whose routes come from its file alone has nothing that others could change.
  if (backend !== undefined) assertMayStart({ host, token, what: "a proxy with an admin interface" });
  const tls = crt !== undefined && key !== undefined ? await readTls(crt, key) : undefined;
  const read = config === undefined ? new Map() : await readConfigFile(config);
  const { table, onRead } = await openTable({
    backend,
    config: read,
    routesFile: options.routes,
    env: io.env,
    log,
  });
  await using _table = table;

  const admin = backend && {
    root: backend,
    handler: adminApi(table, { backend, guard: adminGuard({ token, host }), log }).fetch,
  };
  const server = new ProxyServer({
    host,
    port,
    tls,
    timeouts: {
      ...defaultTimeouts,
      connectMs: options.connectTimeout,
      firstByteMs: options.timeout,
      idleMs: options.idleTimeout,
    },
    balance: options.balance,
    hashHeader: options.hashHeader?.toLowerCase(),
    rules: { maxFails: options.maxFails, failTimeoutMs: options.failTimeout },
    trustedProxies: parseRanges(options.trustedProxies ?? []),
    admin,
    log,
  });
  table.listen((routes) => server.update(routes));

  await using watch = config === undefined
    ? undefined
    : new ConfigWatch({ path: config, read, table, onRead, log });
  if (options.watch) watch?.watch();
  const reload = () => void watch?.reload();
  const onHangup = Deno.build.os !== "windows" && watch !== undefined;
  if (onHangup) Deno.addSignalListener("SIGHUP", reload);
  await using checks = options.healthPath === undefined ? undefined : new HealthChecks({
    path: options.healthPath,
    intervalMs: options.healthInterval,
    timeoutMs: Math.min(options.healthInterval, 5000),
    upstreams: () => server.targets.upstreams,
  });
  void checks?.check();
  try {
    const { url } = server;
    const sentence = `reverse proxy of ${table.routes.size} functions on ${url}`;
    const ready = () =>
      announceReady(log, { mode: "reverse-proxy", url, sentence, fields: { backend: backend ?? null } });
    await serveUntilStopped(server, { log, ready });
  } finally {
    if (onHangup) Deno.removeSignalListener("SIGHUP", reload);
  }
  return 0;
}
