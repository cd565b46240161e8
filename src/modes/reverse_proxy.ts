import { UsageError } from "../base/errors.ts";
import type { ModeOptions } from "../options/mode_options.ts";
import { adminApi } from "../proxy/admin/admin_api.ts";
import { ConfigWatch } from "../proxy/routes/config_watch.ts";
import { HealthChecks } from "../proxy/upstreams/health_checks.ts";
import { openTable } from "../proxy/routes/open_table.ts";
import { parseRanges } from "../proxy/clients/address_ranges.ts";
import { ProxyServer } from "../proxy/proxy_server.ts";
import { readConfigFile } from "../proxy/routes/read_config.ts";
import { readTls } from "../proxy/clients/read_tls.ts";
import { defaultProxyTimeouts } from "../proxy/timeouts.ts";
import { adminGuard, assertMayStart } from "../server/admin_guard.ts";
import type { Context } from "../base/context.ts";
import { type Part, runPart } from "./part.ts";

/** Sends each function's requests to whoever serves it, until it is told to stop. */
export async function runReverseProxy(
  options: ModeOptions<"reverse-proxy">,
  context: Context,
): Promise<number> {
  await using proxy = await startReverseProxy(options, context);
  const fields = { backend: options.backend ?? null };
  return await runPart(proxy, context, { mode: "reverse-proxy", fields });
}

/** Listens, and sends each function's requests to whoever serves it. */
export async function startReverseProxy(
  options: ModeOptions<"reverse-proxy">,
  { io, log }: Context,
): Promise<Part> {
  const { host, httpPort: port, config, backend, adminToken: token, crt, key } = options;
  if (config === undefined && backend === undefined) {
    throw new UsageError(
      "-mode=reverse-proxy needs -config=PATH, -backend=memory or -backend=redis",
    );
  }
  assertMeant(options);
  // A proxy whose routes come from its file alone has nothing that others could change.
  if (backend !== undefined) {
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

  const admin = backend && {
    root: backend,
    handler: adminApi(table, {
      backend,
      guard: adminGuard({ token, host, sharesOrigin: true }),
      log,
    }).fetch,
  };
  const server = new ProxyServer({
    host,
    port,
    tls,
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
    admin,
    log,
  });
  opened.defer(() => server.stop(0));
  table.listen((routes) => server.update(routes));

  if (config !== undefined) {
    const watch = opened.use(new ConfigWatch({ path: config, read, table, onRead, log }));
    if (options.watch) watch.watch();
    if (Deno.build.os !== "windows") {
      const reload = () => void watch.reload();
      Deno.addSignalListener("SIGHUP", reload);
      opened.defer(() => Deno.removeSignalListener("SIGHUP", reload));
    }
  }
  if (options.healthPath !== undefined) {
    const checks = opened.use(
      new HealthChecks({
        path: options.healthPath,
        intervalMs: options.healthInterval,
        timeoutMs: Math.min(options.healthInterval, 5000),
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

/** Flags that would do nothing, or nothing good, as they are written. */
function assertMeant({ balance, hashHeader, healthPath }: ModeOptions<"reverse-proxy">): void {
  if (hashHeader !== undefined && balance !== "hash") {
    throw new UsageError(`-hashHeader is for -balance=hash: the balance is ${balance}`);
  }
  if (hashHeader !== undefined && !/^[\w!#$%&'*+.^`|~-]+$/.test(hashHeader)) {
    throw new UsageError(`-hashHeader is the name of a header: got "${hashHeader}"`);
  }
  if (healthPath !== undefined && !/^\/[\x21-\x7e]*$/.test(healthPath)) {
    throw new UsageError(
      `-healthPath is a path that begins with a slash, such as /health: got "${healthPath}"`,
    );
  }
}
