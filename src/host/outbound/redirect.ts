import type { Header } from "./http_client.ts";

/** What of a request a redirect changes. */
export interface Redirectable {
  method: string;
  headers: Header[];
  body: Uint8Array;
}

/** Headers that say who one is, for the one that they were meant for. */
const secrets = ["authorization", "cookie", "cookie2", "proxy-authorization", "www-authenticate"];
/** Headers that tell of a body. */
const ofBody = ["content-type", "content-encoding", "content-language", "content-location"];

/**
 * The request after a redirect, as Go's client and browsers make it: 307 and 308 send the same again, 301, 302 and 303 ask with GET. Who one is is told to
 * the same host only.
 */
export function redirected(
  request: Redirectable,
  status: number,
  { from, to }: { from: URL; to: URL },
): Redirectable {
  const drop = new Set(isSameHost(from, to) ? [] : secrets);
  const again = status === 307 || status === 308;
  if (!again) ofBody.forEach((name) => drop.add(name));
  return {
    method: again || request.method === "HEAD" ? request.method : "GET",
    headers: request.headers.filter(([name]) => !drop.has(name.toLowerCase())),
    body: again ? request.body : new Uint8Array(),
  };
}

/** Whether the answer asks to look elsewhere. */
export function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/** The same origin, or the same host that now wants TLS. */
function isSameHost(from: URL, to: URL): boolean {
  if (from.origin === to.origin) return true;
  return from.hostname === to.hostname && from.protocol === "http:" && to.protocol === "https:" &&
    from.port === "" && to.port === "";
}
