import { timingSafeEqual } from "node:crypto";
import { bareHost, isLoopback } from "../base/hosts.ts";
import { encodeByteString } from "../base/byte_string.ts";
import { CapsuleError } from "../base/errors.ts";
import { guestMark } from "../base/headers.ts";
import { jsonError } from "./json_error.ts";

/** Options of `adminGuard`. */
export interface GuardOptions {
  /** The admin token; without one, local programs pass, and neither web pages nor guests do. */
  token?: string;
  /** Other tokens that are accepted, such as the admin's where a reader's is required. */
  alsoTokens?: readonly string[];
  /** Accepts HTTP Basic with the token as password, too, as OCI tools send it. */
  basic?: boolean;
  /** The `-host` of the server: without a token, the only `Host` header beside loopback names. */
  host: string;
  /** True where functions serve pages from the same origin: requests of pages are refused. */
  sharesOrigin?: boolean;
}

/** Checks a request to an admin interface: undefined lets it pass, a response refuses it. */
export type Guard = (request: Request) => Response | undefined;

/**
 * Makes the guard of an admin interface. It refuses
 * - always, a foreign `Origin`: a browser adds Basic credentials to the requests of any page;
 * - with `sharesOrigin`, any request that a browser makes for a page, also of this origin;
 * - with a token, a request without it;
 * - without one, a `Host` that is not this server's (DNS rebinding), and a guest's request.
 */
export function adminGuard(
  { token, alsoTokens = [], basic = false, host, sharesOrigin = false }: GuardOptions,
): Guard {
  const tokens = [token, ...alsoTokens].flatMap((each) => each ? [encode(each)] : []);
  const names = new Set(["localhost", "::1", bareHost(host.toLowerCase())]);
  return (request) => {
    const authority = request.headers.get("host") ?? new URL(request.url).host;
    const origin = request.headers.get("origin");
    if (origin !== null && !sameAuthority(origin, authority)) {
      return jsonError(403, "FOREIGN_ORIGIN", `a page of ${origin} may not use ${authority}`);
    }
    if (sharesOrigin && (origin !== null || isOfPage(request.headers))) {
      return jsonError(
        403,
        "PAGE_REFUSED",
        "a web page may not use an admin interface on the origin of the functions",
      );
    }
    if (tokens.length > 0) return requireToken(request, tokens, basic);
    const name = hostName(authority);
    if (name === undefined || !(names.has(name) || isLoopback(name))) {
      return jsonError(
        403,
        "FOREIGN_HOST",
        `this server is not "${authority}" (set -adminToken to use it by other names)`,
      );
    }
    if (request.headers.has(guestMark)) {
      return jsonError(
        403,
        "GUEST_REFUSED",
        "a function may not use an admin interface (set -adminToken to let it)",
      );
    }
    return undefined;
  };
}

/**
 * Reports whether a browser made the request for a page: `none` is a user's own navigation. All
 * browsers send this header to loopback addresses and over TLS.
 *
 * @see https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
 */
function isOfPage(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  return site !== null && site !== "none";
}

/**
 * Checks that an admin interface has a token if other machines can reach it.
 *
 * @throws CapsuleError `NO_TOKEN`, before the server listens.
 */
export function assertMayStart(
  { host, token, what }: { host: string; token?: string; what: string },
): void {
  if (isLoopback(host) || (token !== undefined && token !== "")) return;
  throw new CapsuleError(
    "NO_TOKEN",
    `cannot start ${what} on -host=${host}: other machines reach it there, so -adminToken (or CAPSULE_ADMIN_TOKEN) must be set`,
  );
}

function requireToken(
  request: Request,
  tokens: readonly Uint8Array[],
  basic: boolean,
): Response | undefined {
  const shown = credential(request.headers.get("authorization") ?? "", basic);
  if (shown !== undefined) {
    // Constant time: compares with every token.
    let matches = 0;
    for (const token of tokens) if (constantTimeEqual(shown, token)) matches += 1;
    if (matches > 0) return undefined;
  }
  return jsonError(401, "UNAUTHORIZED", "this needs the token: Authorization: Bearer <token>", {
    "www-authenticate": basic ? 'Basic realm="capsule", charset="UTF-8"' : 'Bearer realm="capsule"',
  });
}

/** Returns the token in an `Authorization` header, as bytes. */
function credential(header: string, basic: boolean): Uint8Array | undefined {
  const [, scheme = "", value = ""] = /^(\S+) +(\S+) *$/.exec(header) ?? [];
  // Header values are byte strings: each character is a byte of the token in UTF-8.
  if (scheme.toLowerCase() === "bearer") return encodeByteString(value);
  if (!basic || scheme.toLowerCase() !== "basic") return undefined;
  try {
    const pair = atob(value);
    const colon = pair.indexOf(":");
    return colon < 0 ? undefined : encodeByteString(pair.slice(colon + 1));
  } catch {
    return undefined;
  }
}

function constantTimeEqual(shown: Uint8Array, token: Uint8Array): boolean {
  if (shown.length === token.length) return timingSafeEqual(shown, token);
  timingSafeEqual(token, token);
  return false;
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Returns the host of an authority such as `localhost:8888`; undefined if that is invalid. */
function hostName(authority: string): string | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:@/\\?#\s]+)(?::\d+)?$/.exec(authority);
  return match?.[1] === undefined ? undefined : bareHost(match[1].toLowerCase());
}

/** Reports whether an origin has this authority; default ports are optional. */
function sameAuthority(origin: string, authority: string): boolean {
  try {
    const page = new URL(origin);
    return page.host !== "" && page.host === new URL(`${page.protocol}//${authority}`).host;
  } catch {
    return false;
  }
}
