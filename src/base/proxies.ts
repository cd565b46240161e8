import { CapsuleError } from "./errors.ts";
import { bareHost } from "./hosts.ts";
import type { Env } from "./io.ts";

/** The HTTP proxies of an environment. */
export interface Proxies {
  /** The proxy for `http:` URLs. */
  readonly http?: URL;
  /** The proxy for `https:` URLs. */
  readonly https?: URL;
  /** Destinations that are connected to directly. */
  readonly exceptions: readonly ProxyException[];
}

/** An item of `NO_PROXY`. Without a port it matches all of them. */
export type ProxyException =
  & { readonly port?: string }
  & (
    | { readonly kind: "all" }
    /** Matches names with this suffix, which starts with a dot, and the name without the dot. */
    | { readonly kind: "domain"; readonly suffix: string; readonly subdomainsOnly: boolean }
    | {
      readonly kind: "range";
      readonly network: bigint;
      readonly bits: number;
      readonly size: 32 | 128;
    }
  );

/** The variables of the environment, in either case. */
export const proxyVariables = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] as const;

/**
 * Reads `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`; names in lower case take
 * precedence. Returns undefined if there is no proxy.
 *
 * In a CGI script `HTTP_PROXY` is ignored, since a client sets it with a `Proxy` header
 * (CVE-2016-5385).
 *
 * @throws CapsuleError `PROXY` for a value that is not a URL of a proxy.
 */
export function proxiesFromEnvironment(env: Env): Proxies | undefined {
  const read = (name: (typeof proxyVariables)[number]) =>
    env.get(name.toLowerCase()) || (isSpoofable(name, env) ? undefined : env.get(name)) ||
    undefined;
  const all = read("ALL_PROXY");
  const http = parseProxy("HTTP_PROXY", read("HTTP_PROXY") ?? all);
  const https = parseProxy("HTTPS_PROXY", read("HTTPS_PROXY") ?? all);
  if (!http && !https) return undefined;
  return { http, https, exceptions: parseExceptions(read("NO_PROXY") ?? "") };
}

/**
 * Returns the proxy for a URL, or undefined for a direct connection. As in Go, loopback is always
 * direct.
 */
export function proxyFor(url: URL, proxies: Proxies | undefined): URL | undefined {
  const proxy = url.protocol === "https:" ? proxies?.https : proxies?.http;
  if (!proxies || !proxy) return undefined;
  const host = bareHost(url.hostname.toLowerCase()).replace(/\.$/, "");
  if (isThisMachine(host)) return undefined;
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return proxies.exceptions.some((exception) => matches(exception, host, port)) ? undefined : proxy;
}

/** Returns the value of `Proxy-Authorization` for a proxy with credentials in its URL. */
export function proxyAuthorization({ username, password }: URL): string | undefined {
  if (username === "" && password === "") return undefined;
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${new TextEncoder().encode(login).toBase64()}`;
}

/** Reports whether a host is `localhost`, loopback, or the unspecified address. */
function isThisMachine(host: string): boolean {
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  const address = parseAddress(host);
  if (address === undefined) return false;
  return address.value === 0n ||
    (address.size === 128 ? address.value === 1n : address.value >> 24n === 127n);
}

function isSpoofable(name: string, env: Env): boolean {
  return name === "HTTP_PROXY" && env.get("REQUEST_METHOD") !== undefined;
}

function parseProxy(variable: string, text: string | undefined): URL | undefined {
  if (text === undefined) return undefined;
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url?.hostname && /^(https?|socks5h?):$/.test(url.protocol)) return url;
  // The value may contain a password.
  throw new CapsuleError(
    "PROXY",
    `${variable} is not the URL of a proxy, such as http://proxy.example:3128`,
  );
}

function parseExceptions(text: string): ProxyException[] {
  return text.split(",").flatMap((item) => parseException(item.trim().toLowerCase()) ?? []);
}

/** Parses `*`, `name`, `.suffix`, `name:port`, an address with or without port, or a range. */
function parseException(item: string): ProxyException | undefined {
  if (item === "") return undefined;
  if (item === "*") return { kind: "all" };
  const [, host = "", port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(item) ?? [, item];
  const [address = "", bitsText] = bareHost(host).split("/");
  const parsed = parseAddress(address);
  if (parsed) {
    const bits = bitsText === undefined ? parsed.size : Number(bitsText);
    if (!(bits >= 0 && bits <= parsed.size)) return undefined;
    return { kind: "range", network: parsed.value, bits, size: parsed.size, port };
  }
  const name = host.replace(/^\*\./, ".").replace(/\.$/, "");
  if (name === "") return undefined;
  const subdomainsOnly = name.startsWith(".");
  return { kind: "domain", suffix: subdomainsOnly ? name : `.${name}`, subdomainsOnly, port };
}

function matches(exception: ProxyException, host: string, port: string): boolean {
  if (exception.port !== undefined && exception.port !== port) return false;
  switch (exception.kind) {
    case "all":
      return true;
    case "domain":
      return host.endsWith(exception.suffix) ||
        (!exception.subdomainsOnly && `.${host}` === exception.suffix);
    case "range": {
      const address = parseAddress(host);
      if (address?.size !== exception.size) return false;
      const shift = BigInt(exception.size - exception.bits);
      return address.value >> shift === exception.network >> shift;
    }
  }
}

/** Parses an IP address as a number; an IPv4-mapped IPv6 address is an IPv4 address. */
function parseAddress(text: string): { value: bigint; size: 32 | 128 } | undefined {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    const bytes = text.split(".").map(Number);
    if (bytes.some((byte) => byte > 255)) return undefined;
    return { value: bytes.reduce((sum, byte) => sum << 8n | BigInt(byte), 0n), size: 32 };
  }
  // `URL` normalizes every spelling to eight groups without embedded IPv4, `::` excepted.
  const host = text.includes(":") ? URL.parse(`http://[${text}]/`)?.hostname : undefined;
  if (host === undefined) return undefined;
  const [head = "", tail] = bareHost(host).split("::");
  const groupsOf = (part: string) => part === "" ? [] : part.split(":");
  const groups = groupsOf(head);
  if (tail !== undefined) {
    const end = groupsOf(tail);
    groups.push(...Array<string>(8 - groups.length - end.length).fill("0"), ...end);
  }
  const value = groups.reduce((sum, group) => sum << 16n | BigInt(`0x${group}`), 0n);
  return value >> 32n === 0xffffn ? { value: value & 0xffffffffn, size: 32 } : { value, size: 128 };
}
