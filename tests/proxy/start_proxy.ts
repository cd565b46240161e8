import type { Log } from "../../src/base/log.ts";
import { type ProxyOptions, ProxyServer } from "../../src/proxy/proxy_server.ts";
import type { Routes } from "../../src/proxy/routes/routes.ts";
import { defaultProxyTimeouts, type ProxyTimeouts } from "../../src/proxy/timeouts.ts";

/** A proxy in this process: `await using proxy = startProxy({ f: { default: [url] } })`. */
export interface TestProxy extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly server: ProxyServer;
  /** The logged lines. */
  readonly logged: string[];
}

/** function → revision → URLs */
export type PlainRoutes = Record<string, Record<string, readonly string[]>>;

export function routesOf(plain: PlainRoutes): Routes {
  return new Map(
    Object.entries(plain).map(([name, revisions]) => [name, {
      revisions: new Map(
        Object.entries(revisions).map((
          [revision, urls],
        ) => [revision, urls.map((url) => ({ url, weight: 1 }))]),
      ),
    }]),
  );
}

export function startProxy(
  routes: PlainRoutes,
  { timeouts, ...options }: Partial<Omit<ProxyOptions, "timeouts">> & {
    timeouts?: Partial<ProxyTimeouts>;
  } = {},
): TestProxy {
  const logged: string[] = [];
  const line = (text: string) => void logged.push(text);
  const log: Log = { event: line, info: line, warn: line, error: line };
  const server = new ProxyServer({
    host: "127.0.0.1",
    port: 0,
    balance: "random",
    rules: { maxFails: 1, failTimeoutMs: 10_000 },
    trustedProxies: [],
    log,
    ...options,
    timeouts: { ...defaultProxyTimeouts, ...timeouts },
  });
  server.update(routesOf(routes));
  return {
    port: server.port,
    url: server.url,
    server,
    logged,
    [Symbol.asyncDispose]: () => server.stop(0),
  };
}
