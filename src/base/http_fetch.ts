import { trustedAuthorities } from "./authorities.ts";
import { type Proxies, proxiesFromEnvironment, proxyFor, proxyVariables } from "./proxies.ts";

/** The part of `fetch` that clients use. */
export type Fetch = (url: URL | string, init?: RequestInit) => Promise<Response>;

/** Options of `createFetch`. */
export interface FetchOptions {
  /** Default: none, every connection is direct. */
  readonly proxies?: Proxies;
  /** Certificate authorities in PEM to trust in addition to the default ones. */
  readonly ca?: string;
}

/** As in the Fetch standard. */
const maxRedirects = 20;

/**
 * Creates a `fetch` that chooses the proxy by our rules, for the URL and for each redirect. Deno's
 * own reads `HTTP_PROXY` too, but sends requests to this machine to the proxy as well.
 */
export function createFetch({ proxies, ca }: FetchOptions = {}): Fetch {
  const clients = new Map<string, Deno.HttpClient>();
  /** Returns undefined where Deno's default client, which starts faster, does the same. */
  const clientFor = (url: URL): Deno.HttpClient | undefined => {
    if (!proxies && ca === undefined && !hasProxyVariables()) return undefined;
    const proxy = proxyFor(url, proxies);
    const key = proxy?.href ?? "direct";
    let client = clients.get(key);
    if (!client) clients.set(key, client = createClient(proxy, ca));
    return client;
  };
  return async (url, init = {}) => {
    let target = new URL(url);
    if (!proxies || init.redirect === "manual" || init.redirect === "error") {
      return await fetch(target, { ...init, client: clientFor(target) });
    }
    let current = init;
    for (let redirects = 0;; redirects++) {
      const response = await fetch(target, {
        ...current,
        redirect: "manual",
        client: clientFor(target),
      });
      const location = response.headers.get("location");
      if (![301, 302, 303, 307, 308].includes(response.status) || location === null) {
        return response;
      }
      await response.body?.cancel();
      if (redirects === maxRedirects) throw new TypeError("too many redirects");
      const next = new URL(location, target);
      current = redirectedInit(current, { status: response.status, from: target, to: next });
      target = next;
    }
  };
}

let proxied: Fetch | undefined;
let direct: Fetch | undefined;

/**
 * Fetches with the proxies of this process's environment and the authorities of `-ca`. All clients
 * of the launcher use it.
 */
export const httpFetch: Fetch = async (url, init) => {
  proxied ??= createFetch({
    proxies: proxiesFromEnvironment(Deno.env),
    ca: trustedAuthorities(),
  });
  return await proxied(url, init);
};

/** Fetches without a proxy, whatever the environment says, and with the authorities of `-ca`. */
export const directFetch: Fetch = (url, init) => {
  direct ??= createFetch({ ca: trustedAuthorities() });
  return direct(url, init);
};

/** @see https://fetch.spec.whatwg.org/#http-redirect-fetch */
function redirectedInit(
  init: RequestInit,
  { status, from, to }: { status: number; from: URL; to: URL },
): RequestInit {
  const headers = new Headers(init.headers);
  if (from.origin !== to.origin) {
    for (const name of ["authorization", "cookie", "proxy-authorization"]) headers.delete(name);
  }
  const { method = "GET" } = init;
  const becomesGet = status === 303 ? method !== "HEAD" : status < 303 && method === "POST";
  if (!becomesGet) {
    if (init.body instanceof ReadableStream) {
      throw new TypeError(`redirected with status ${status}, and the body cannot be sent again`);
    }
    return { ...init, headers };
  }
  for (const name of ["content-type", "content-encoding", "content-language"]) headers.delete(name);
  return { ...init, method: "GET", body: undefined, headers };
}

const variableNames = proxyVariables.flatMap((name) => [name, name.toLowerCase()]);

function hasProxyVariables(): boolean {
  return variableNames.some((name) => Deno.env.get(name) !== undefined);
}

/**
 * Creates a client with this proxy or none. Deno reads the environment's proxies while it creates a
 * client and has no option against it, so the variables are hidden meanwhile.
 */
function createClient(proxy: URL | undefined, ca: string | undefined): Deno.HttpClient {
  const hidden = variableNames.map((name) => [name, Deno.env.get(name)] as const);
  for (const name of variableNames) Deno.env.delete(name);
  try {
    return Deno.createHttpClient({
      ...(ca === undefined ? {} : { caCerts: [ca] }),
      ...(proxy === undefined ? {} : { proxy: proxyOption(proxy) }),
    });
  } finally {
    for (const [name, value] of hidden) if (value !== undefined) Deno.env.set(name, value);
  }
}

function proxyOption(proxy: URL): Deno.Proxy {
  const { username, password } = proxy;
  const url = new URL(proxy);
  url.username = url.password = "";
  if (username === "" && password === "") return { url: url.href };
  const basicAuth = {
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
  };
  return { url: url.href, basicAuth };
}
