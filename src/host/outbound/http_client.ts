import { CapsuleError } from "../../base/errors.ts";
import { LinkedList } from "../../base/linked_list.ts";
import type { ConnectionPool } from "./connection_pool.ts";
import type { Connector, ConnectorOptions } from "./connector.ts";
import { exchange, StaleConnectionError } from "./exchange.ts";
import { isRedirect, type Redirectable, redirected } from "./redirect.ts";
import {
  checkedHeaders,
  checkedMethod,
  has,
  withAuthorization,
  withOwn,
} from "./request_headers.ts";
import { parseTarget, redirectTarget } from "./request_target.ts";
import { reasonOf } from "./transport_error.ts";

/** Name and value; a value is bytes, as Latin-1: one character a byte. */
export type Header = readonly [name: string, value: string];

/** What a guest asks with `Http`. */
export interface HttpRequest {
  url: string;
  /** Empty means GET, as in Go. */
  method: string;
  headers: readonly Header[];
  /** Not to be changed before the answer is there. */
  body: Uint8Array;
  /** Ends the call at once, with the signal's reason. */
  signal?: AbortSignal;
}

/** What it gets. */
export interface HttpAnswer {
  status: number;
  /** In the order and writing of the server. */
  headers: Header[];
  body: Uint8Array<ArrayBuffer>;
}

/** What guests may, and how long. */
export interface HttpClientOptions {
  /** The items of `-allowNet`; absent: everything, empty: nothing. */
  allowNet?: readonly string[];
  /** For a call with its redirects and its whole answer; 0 is for ever. */
  timeoutMs: number;
  /** Of an answer's body, decompressed. */
  maxResponseBytes: number;
  maxRedirects?: number;
  /** Certificates to trust beside the usual ones, PEM. */
  ca?: string;
  resolve?: ConnectorOptions["resolve"];
}

/** The client behind `Http`. */
export interface HttpClient {
  /**
   * Whatever the status, an answer is an answer.
   *
   * @throws CapsuleError whose message begins `Get "http://…":`, as Go's does: `URL`, `HEADER`, `DENIED` (with the flag that would allow it), `TIMEOUT`, `TOO_LARGE`,
   * `REDIRECTS`, `HTTP` for everything between here and the server; the signal's reason.
   */
  request(request: HttpRequest): Promise<HttpAnswer>;
  /** Ends what runs and closes every connection. */
  close(): Promise<void>;
}

/** For one address: what waits longer for a connection will not get one. */
const connectTimeoutMs = 10_000;
/**
 * Makes the client. undici is loaded at the first request.
 *
 * @throws CapsuleError `NET_RULE` for an item of `allowNet` that is none.
 */
export async function createHttpClient(options: HttpClientOptions): Promise<HttpClient> {
  const { allowNet, timeoutMs, ca, resolve } = options;
  const rules = allowNet && (await import("./net_rules.ts")).parseNetRules(allowNet);
  const running = new LinkedList<AbortController>();
  let loading: Promise<Connections> | undefined;
  let closed: CapsuleError | undefined;

  const request = async (request: HttpRequest): Promise<HttpAnswer> => {
    request.signal?.throwIfAborted();
    const call = new AbortController();
    const onAbort = () => call.abort(request.signal?.reason);
    const timer = timeoutMs > 0
      ? setTimeout(() => call.abort(tooSlow(timeoutMs)), timeoutMs)
      : undefined;
    request.signal?.addEventListener("abort", onAbort, { once: true });
    const node = running.append(call);
    try {
      loading ??= open({ rules, timeoutMs: connectTimeoutMs, ca, resolve });
      const { pool } = await loading;
      if (closed) throw closed;
      return await follow(pool, { request, options, signal: call.signal });
    } catch (error) {
      // Whoever ended the call knows why.
      if (request.signal?.aborted) throw request.signal.reason;
      throw failed(request, error);
    } finally {
      clearTimeout(timer);
      request.signal?.removeEventListener("abort", onAbort);
      running.remove(node);
    }
  };

  return {
    request,
    async close() {
      closed ??= new CapsuleError("HTTP", "the client is closed");
      for (const call of running) call.abort(closed);
      const connections = await loading?.catch(() => undefined);
      connections?.connector.close();
      await connections?.pool.close();
    },
  };
}

/** What is loaded at the first request. */
interface Connections {
  pool: ConnectionPool;
  connector: Connector;
}

async function open(options: ConnectorOptions): Promise<Connections> {
  const [{ createConnector }, { createConnectionPool }] = await Promise.all([
    import("./connector.ts"),
    import("./connection_pool.ts"),
  ]);
  const connector = createConnector(options);
  return { connector, pool: createConnectionPool(connector.connect) };
}

/** One call: the request, then wherever it is redirected to. */
async function follow(
  pool: ConnectionPool,
  { request, options, signal }: {
    request: HttpRequest;
    options: HttpClientOptions;
    signal: AbortSignal;
  },
): Promise<HttpAnswer> {
  const { maxRedirects = 10, maxResponseBytes } = options;
  let target = parseTarget(request.url);
  let now: Redirectable = {
    method: checkedMethod(request.method),
    headers: withAuthorization(checkedHeaders(request.headers), target),
    body: request.body,
  };
  // As in Go: whoever asks for gzip himself gets it as it is.
  const gzip = !["accept-encoding", "range"].some((name) => has(now.headers, name)) &&
    now.method !== "HEAD";

  for (let redirects = 0;; redirects++) {
    const outgoing = {
      origin: target.url.origin,
      path: target.path,
      ...now,
      headers: withOwn(now.headers, { target, gzip }),
    };
    const answer = await onceMore(
      now.method,
      () => exchange(pool, outgoing, { signal, maxBytes: maxResponseBytes }),
    );
    const location = answer.headers.find(([name]) => name.toLowerCase() === "location")?.[1];
    if (!isRedirect(answer.status) || !location) {
      if (!gzip || !isGzip(answer)) return answer;
      return await (await import("./gunzip.ts")).gunzipped(answer, maxResponseBytes);
    }
    if (redirects >= maxRedirects) {
      throw new CapsuleError("REDIRECTS", `stopped after ${maxRedirects} redirects`);
    }
    const next = redirectTarget(target, location);
    now = redirected(now, answer.status, { from: target.url, to: next.url });
    now.headers = withAuthorization(now.headers, next);
    target = next;
  }
}

/** A request that may have come just as the server closed an idle connection is sent again when that changes nothing. */
async function onceMore<T>(method: string, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (
      !(error instanceof StaleConnectionError) ||
      !["GET", "HEAD", "OPTIONS", "TRACE"].includes(method)
    ) {
      throw error;
    }
    return await send();
  }
}

function isGzip({ headers }: HttpAnswer): boolean {
  return headers.some(([name, value]) =>
    name.toLowerCase() === "content-encoding" && value.toLowerCase() === "gzip"
  );
}

function tooSlow(limitMs: number): CapsuleError {
  return new CapsuleError("TIMEOUT", `no whole answer within ${limitMs / 1000} s (-httpTimeout)`);
}

/** The error as the guest sees it: what was asked, then why not. */
function failed({ method, url }: HttpRequest, error: unknown): CapsuleError {
  const verb = method === "" ? "Get" : method[0]?.toUpperCase() + method.slice(1).toLowerCase();
  const code = error instanceof CapsuleError ? error.code : "HTTP";
  return new CapsuleError(code, `${verb} ${JSON.stringify(shownUrl(url))}: ${reasonOf(error)}`, {
    cause: error,
  });
}

function shownUrl(url: string): string {
  try {
    return parseTarget(url).shown;
  } catch {
    return url;
  }
}
