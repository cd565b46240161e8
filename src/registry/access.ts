import type { Hono } from "hono";
import { adminGuard, type Guard } from "../server/admin_guard.ts";
import { ociError } from "./oci/errors.ts";

/** Whom a registry lets in. */
export interface AccessOptions {
  /** Where it listens. */
  host: string;
  /** What whoever writes must show. */
  adminToken?: string;
  /** What whoever reads must show; the admin's does too. */
  readToken?: string;
}

/** Who may do what in a registry. */
export interface Access {
  readonly guard: Guard;
  /** Adds the page where clients of the OCI protocol fetch what they show, if they have to. */
  addRoutes(app: Hono): void;
}

const tokenPath = "/v2/token";

/**
 * One guard for whoever writes and one for whoever reads. Both take their token as `Bearer` or as the password of `Basic`, and
 * refuse under `/v2/` in the protocol's own form.
 *
 * Where everybody reads and only the admin writes, clients that speak the protocol must be asked for a password and still be
 * served without one. `Basic` cannot say that: docker, asked so, refuses to go on without a password, and not asked, sends none
 * that it has. So they are sent for a token, which whoever shows no password gets too, and which opens nothing that is not open.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export function accessOf({ host, adminToken, readToken }: AccessOptions): Access {
  const write = adminGuard({ token: adminToken, basic: true, host });
  const read = readToken
    ? adminGuard({
      token: readToken,
      alsoTokens: adminToken ? [adminToken] : [],
      basic: true,
      host,
    })
    : () => undefined;
  const givesTokens = adminToken !== undefined && readToken === undefined;
  const anybody = crypto.randomUUID();

  const refusalOf: Guard = (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/health" || (givesTokens && pathname === tokenPath)) return undefined;
    // Clients ask here what they must show, and whether what they show is right.
    if (givesTokens && /^\/v2\/?$/.test(pathname)) {
      return request.headers.get("authorization") === `Bearer ${anybody}`
        ? undefined
        : write(request);
    }
    return request.method === "GET" || request.method === "HEAD" ? read(request) : write(request);
  };
  return {
    guard: (request) => {
      const refusal = refusalOf(request);
      const url = new URL(request.url);
      if (refusal === undefined || !/^\/v2(\/|$)/.test(url.pathname)) return refusal;
      const why = "this needs the registry's token (as Bearer, or as Basic's password)";
      return ociRefusal(refusal, why, givesTokens ? bearerChallenge(request, url) : undefined);
    },
    addRoutes(app) {
      if (!givesTokens) return;
      app.get(tokenPath, ({ req: { raw: request } }) => {
        const known = request.headers.has("authorization");
        const refusal = known ? write(request) : undefined;
        if (refusal) return ociRefusal(refusal, "the password is not the registry's token");
        // Who shows the password may have it back: it is a token already.
        const token = known ? adminToken : anybody;
        return Response.json({ token, access_token: token, expires_in: 300 }, {
          headers: { "cache-control": "no-store" },
        });
      });
    },
  };
}

/** A guard's refusal in the protocol's form. `why` is for a token that is missing or wrong. */
function ociRefusal({ status, headers }: Response, why: string, challenge?: string): Response {
  if (status !== 401) {
    const own =
      "without a token the registry serves this machine's own programs only, by its own name";
    return ociError(status, "DENIED", own);
  }
  return ociError(status, "UNAUTHORIZED", why, {
    "www-authenticate": challenge ?? headers.get("www-authenticate") ?? "",
  });
}

/** Where the token is, and what it is for: `Bearer realm="…/v2/token",service="…",scope="repository:k33g/hola:pull,push"`. */
function bearerChallenge({ method, headers }: Request, { protocol, host, pathname }: URL): string {
  // Nobody is to send a password in the clear to a proxy in front of this that was reached by TLS.
  const scheme = headers.get("x-forwarded-proto") === "https" ? "https:" : protocol;
  const [, repository] = /^\/v2\/(.+)\/(?:blobs|manifests|tags|referrers)\//.exec(pathname) ?? [];
  const scope = repository === undefined
    ? ""
    : `,scope="repository:${repository}:${method === "DELETE" ? "delete" : "pull,push"}"`;
  return `Bearer realm="${scheme}//${host}${tokenPath}",service="${host}"${scope}`;
}
