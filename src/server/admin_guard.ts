import { timingSafeEqual } from "node:crypto";
import { bareHost, isLoopback } from "../base/hosts.ts";
import { CapsuleError } from "../base/errors.ts";
import { guestMark } from "../base/headers.ts";
import { jsonError } from "./json_error.ts";

/** Who may pass. */
export interface GuardOptions {
  /** The secret that a client shows; absent or empty: whoever reaches the (loopback) address, but no web page and no guest. */
  token?: string;
  /** Other secrets that open this door too, such as the admin's where a reader's is asked for. */
  alsoTokens?: readonly string[];
  /** Whether HTTP Basic with the token as its password is taken besides `Bearer`, as OCI tools send it. */
  basic?: boolean;
  /** The `-host` the server listens on: beside the loopback names the only one that a `Host` header may carry without a token. */
  host: string;
}

/** Looks at a request to an admin interface: `undefined` lets it pass, a response refuses it. */
export type Guard = (request: Request) => Response | undefined;

/**
 * The guard of an admin interface. With a token: 401 without it. Without one: 403 for a `Host` that is not this server's
 * (a web page that had its own name point here), and for a guest's call. Always: 403 for a foreign `Origin`, since a browser
 * repeats Basic credentials for any page.
 */
export function adminGuard({ token, alsoTokens = [], basic = false, host }: GuardOptions): Guard {
  const tokens = [token, ...alsoTokens].flatMap((each) => each ? [encode(each)] : []);
  const names = new Set(["localhost", "::1", bareHost(host.toLowerCase())]);
  return (request) => {
    const authority = request.headers.get("host") ?? new URL(request.url).host;
    const origin = request.headers.get("origin");
    if (origin !== null && !sameAuthority(origin, authority)) {
      return jsonError(403, "FOREIGN_ORIGIN", `a page of ${origin} may not use ${authority}`);
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
 * An admin interface that others can reach needs a token.
 *
 * @throws CapsuleError `NO_TOKEN`, before anything listens.
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
    // Compared with every token, so that the time says nothing of which one was nearly right.
    let matches = 0;
    for (const token of tokens) if (constantTimeEqual(shown, token)) matches += 1;
    if (matches > 0) return undefined;
  }
  return jsonError(401, "UNAUTHORIZED", "this needs the token: Authorization: Bearer <token>", {
    "www-authenticate": basic ? 'Basic realm="capsule", charset="UTF-8"' : 'Bearer realm="capsule"',
  });
}

/** The secret in an `Authorization` header, as bytes. */
function credential(header: string, basic: boolean): Uint8Array | undefined {
  const [, scheme = "", value = ""] = /^(\S+) +(\S+) *$/.exec(header) ?? [];
  // A header's characters are its bytes (Latin-1), so a token beyond ASCII compares as the UTF-8 that was sent.
  if (scheme.toLowerCase() === "bearer") return latin1(value);
  if (!basic || scheme.toLowerCase() !== "basic") return undefined;
  try {
    const pair = atob(value);
    const colon = pair.indexOf(":");
    return colon < 0 ? undefined : latin1(pair.slice(colon + 1));
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
const latin1 = (text: string): Uint8Array =>
  Uint8Array.from(text, (character) => character.charCodeAt(0));

/** `localhost:8888` → `localhost`; `undefined` for what is no authority. */
function hostName(authority: string): string | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:@/\\?#\s]+)(?::\d+)?$/.exec(authority);
  return match?.[1] === undefined ? undefined : bareHost(match[1].toLowerCase());
}

/** Whether a page's origin is where the request was sent to; default ports may be written or not. */
function sameAuthority(origin: string, authority: string): boolean {
  try {
    const page = new URL(origin);
    return page.host !== "" && page.host === new URL(`${page.protocol}//${authority}`).host;
  } catch {
    return false;
  }
}
