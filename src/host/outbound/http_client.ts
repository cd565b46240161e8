import { CapsuleError } from "../../base/errors.ts";
import { bareHost } from "../../base/hosts.ts";
import { LinkedList } from "../../base/linked_list.ts";
import { type Proxies, proxyFor } from "../../base/proxies.ts";
import type { ConnectionPool } from "./connection_pool.ts";
import type { Connector, ConnectorOptions } from "./connector.ts";
import { exchange, StaleConnectionError } from "./exchange.ts";
import type { OutboundRequest, OutboundResponse } from "./message.ts";
import { isRedirect, type RedirectableRequest, redirectedRequest } from "./redirect.ts";
import {
  checkHeaders,
  checkMethod,
  hasHeader,
  withAuthorization,
  withClientHeaders,
} from "./request_headers.ts";
import { parseTarget, redirectTarget } from "./request_target.ts";
import { explainTransportError } from "./transport_error.ts";

/** The client behind `Http`. */
export interface HttpClient {
  /**
   * Sends a request, follows redirects, and returns the response whatever its status.
   *
   * @throws CapsuleError with a message that begins `Get "http://…":`, as Go's does. Codes: `URL`,
   * `METHOD`, `HEADER`, `DENIED` (names the flag that would allow it), `TIMEOUT`, `TOO_LARGE`,
   * `REDIRECTS`, and `HTTP` for failures of the transport. If the request's signal aborted, its
   * reason is thrown instead.
   */
  request(request: OutboundRequest): Promise<OutboundResponse>;
  /** Aborts pending requests and closes all connections. */
  close(): Promise<void>;
}

/** Grants and limits of a client. */
export interface HttpClientOptions {
  /** The rules of `-allowNet`; if undefined, every destination is allowed. */
  allowNet?: readonly string[];
  /** The timeout of a request with its redirects and its body, in milliseconds; 0 for no limit. */
  timeoutMs: number;
  /** The largest response body, in bytes after decompression. */
  maxResponseBytes: number;
  /** Default: 10. */
  maxRedirects?: number;
  /** Certificates in PEM to trust in addition to the default ones. */
  ca?: string;
  /**
   * The proxies to use. The rules then check the URL's host and port, since the proxy resolves the
   * name. Default: none.
   */
  proxies?: Proxies;
  resolve?: ConnectorOptions["resolve"];
}

/** Connect timeout per address. */
const connectTimeoutMs = 10_000;

/**
 * Creates a client. undici is loaded at the first request.
 *
 * @throws CapsuleError `NET_RULE` for an invalid rule of `allowNet`.
 */
export async function createHttpClient(options: HttpClientOptions): Promise<HttpClient> {
  const { allowNet, timeoutMs, ca, resolve } = options;
  const rules = allowNet && (await import("./net_rules.ts")).parseNetRules(allowNet);
  const pending = new LinkedList<AbortController>();
  let loading: Promise<Transport> | undefined;
  let closed: CapsuleError | undefined;

  const request = async (request: OutboundRequest): Promise<OutboundResponse> => {
    request.signal?.throwIfAborted();
    const call = new AbortController();
    const onAbort = () => call.abort(request.signal?.reason);
    const timer = timeoutMs > 0
      ? setTimeout(() => call.abort(timeoutError(timeoutMs)), timeoutMs)
      : undefined;
    request.signal?.addEventListener("abort", onAbort, { once: true });
    const node = pending.append(call);
    try {
      loading ??= openTransport({ rules, timeoutMs: connectTimeoutMs, ca, resolve });
      const transport = await loading;
      if (closed) throw closed;
      return await sendAndFollow(transport, { request, options, signal: call.signal });
    } catch (error) {
      if (request.signal?.aborted) throw request.signal.reason;
      throw requestError(request, error);
    } finally {
      clearTimeout(timer);
      request.signal?.removeEventListener("abort", onAbort);
      pending.remove(node);
    }
  };

  return {
    request,
    async close() {
      closed ??= new CapsuleError("HTTP", "the client is closed");
      for (const call of pending) call.abort(closed);
      const transport = await loading?.catch(() => undefined);
      transport?.connector.close();
      await transport?.pool.close();
    },
  };
}

interface Transport {
  pool: ConnectionPool;
  connector: Connector;
  /** Throws `DENIED` if no rule allows a destination that a proxy resolves. */
  checkName(url: URL): void;
}

async function openTransport(options: ConnectorOptions): Promise<Transport> {
  const [{ createConnector, refused }, { createConnectionPool }, { createTunnelConnector }] =
    await Promise.all([
      import("./connector.ts"),
      import("./connection_pool.ts"),
      import("./tunnel.ts"),
    ]);
  const connector = createConnector(options);
  const pool = createConnectionPool({
    ...connector,
    tunnelThrough: (proxy) => createTunnelConnector(proxy, connector),
  });
  return {
    connector,
    pool,
    checkName({ hostname, port: portText, protocol }) {
      const port = Number(portText) || (protocol === "https:" ? 443 : 80);
      const name = bareHost(hostname);
      if (options.rules && !options.rules.allowsName(name, port)) throw refused(name, port);
    },
  };
}

async function sendAndFollow(
  { pool, checkName }: Transport,
  { request, options, signal }: {
    request: OutboundRequest;
    options: HttpClientOptions;
    signal: AbortSignal;
  },
): Promise<OutboundResponse> {
  const { maxRedirects = 10, maxResponseBytes, proxies } = options;
  let target = parseTarget(request.url);
  let current: RedirectableRequest = {
    method: checkMethod(request.method),
    headers: withAuthorization(checkHeaders(request.headers), target),
    body: request.body,
  };
  // As in Go: a guest that sets Accept-Encoding itself receives the body as it was sent.
  const gzip = !["accept-encoding", "range"].some((name) => hasHeader(current.headers, name)) &&
    current.method !== "HEAD";

  for (let redirects = 0;; redirects++) {
    const proxy = proxyFor(target.url, proxies);
    if (proxy) checkName(target.url);
    const outgoing = {
      proxy,
      origin: target.url.origin,
      path: target.path,
      ...current,
      headers: withClientHeaders(current.headers, { target, gzip }),
    };
    const response = await retryIfStale(
      current.method,
      () => exchange(pool, outgoing, { signal, maxBytes: maxResponseBytes }),
    );
    const location = response.headers.find(([name]) => name.toLowerCase() === "location")?.[1];
    if (!isRedirect(response.status) || !location) {
      if (!gzip || !isGzip(response)) return response;
      const { decompressResponse } = await import("./gunzip.ts");
      return await decompressResponse(response, maxResponseBytes);
    }
    if (redirects >= maxRedirects) {
      throw new CapsuleError("REDIRECTS", `stopped after ${maxRedirects} redirects`);
    }
    const next = redirectTarget(target, location);
    current = redirectedRequest(current, response.status, { from: target.url, to: next.url });
    current.headers = withAuthorization(current.headers, next);
    target = next;
  }
}

/** Repeats a safe request (RFC 9110 § 9.2.1) that met a connection closed while idle. */
async function retryIfStale<T>(method: string, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    const isSafe = ["GET", "HEAD", "OPTIONS", "TRACE"].includes(method);
    if (!(error instanceof StaleConnectionError) || !isSafe) throw error;
    return await send();
  }
}

function isGzip({ headers }: OutboundResponse): boolean {
  return headers.some(([name, value]) =>
    name.toLowerCase() === "content-encoding" && value.toLowerCase() === "gzip"
  );
}

function timeoutError(limitMs: number): CapsuleError {
  return new CapsuleError(
    "TIMEOUT",
    `no complete response within ${limitMs / 1000} s (-httpTimeout)`,
  );
}

/** Returns the error that the guest receives: the method and URL, then the reason. */
function requestError({ method, url }: OutboundRequest, error: unknown): CapsuleError {
  const verb = method === "" ? "Get" : method[0]?.toUpperCase() + method.slice(1).toLowerCase();
  const code = error instanceof CapsuleError ? error.code : "HTTP";
  const shown = JSON.stringify(maskPassword(url));
  return new CapsuleError(code, `${verb} ${shown}: ${explainTransportError(error)}`, {
    cause: error,
  });
}

function maskPassword(url: string): string {
  try {
    return parseTarget(url).shown;
  } catch {
    return url;
  }
}
