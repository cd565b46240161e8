import type { Header } from "../../abi/headers.ts";

/** The parts of a request that a redirect may change. */
export interface RedirectableRequest {
  method: string;
  headers: Header[];
  body: Uint8Array;
}

/** Credential headers; dropped when a redirect leaves the host. */
const credentialHeaders: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "cookie2",
  "proxy-authorization",
  "www-authenticate",
]);
/** Headers that describe a body; dropped with it. */
const bodyHeaders: ReadonlySet<string> = new Set([
  "content-type",
  "content-encoding",
  "content-language",
  "content-location",
]);

/**
 * Returns the request that follows a redirect, as Go's client and browsers send it: 307 and 308
 * repeat the request, 301, 302 and 303 become GET (RFC 9110 § 15.4). Credential headers stay only
 * on the same host.
 */
export function redirectedRequest(
  request: RedirectableRequest,
  status: number,
  { from, to }: { from: URL; to: URL },
): RedirectableRequest {
  const repeats = status === 307 || status === 308;
  const sameHost = isSameHost(from, to);
  return {
    method: repeats || request.method === "HEAD" ? request.method : "GET",
    headers: request.headers.filter(([name]) => {
      const lower = name.toLowerCase();
      return (sameHost || !credentialHeaders.has(lower)) && (repeats || !bodyHeaders.has(lower));
    }),
    body: repeats ? request.body : new Uint8Array(),
  };
}

/** Reports whether a status with a `Location` is a redirect. */
export function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/** Reports whether the origin is the same, or the same host upgraded from http to https. */
function isSameHost(from: URL, to: URL): boolean {
  if (from.origin === to.origin) return true;
  return from.hostname === to.hostname && from.protocol === "http:" && to.protocol === "https:" &&
    from.port === "" && to.port === "";
}
