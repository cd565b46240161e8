import type { Hono } from "hono";
import { adminGuard, type Guard } from "../server/admin_guard.ts";
import { ociError } from "./oci/errors.ts";

/** The address and the tokens of a registry. */
export interface AccessOptions {
  /** The address that it listens on. */
  host: string;
  /** Required for writing. */
  adminToken?: string;
  /** Required for reading; the admin token also grants that. */
  readToken?: string;
}

/** Access control of a registry. */
export interface Access {
  readonly guard: Guard;
  /** Adds the token endpoint of the OCI protocol, if clients need one. */
  addRoutes(app: Hono): void;
}

const tokenPath = "/v2/token";

/**
 * Returns the access control: one guard for reading, one for writing. Both accept their token as
 * `Bearer` or as the password of `Basic`, and refuse below `/v2/` in the OCI protocol's form.
 *
 * With an admin token alone, reading is open. `Basic` cannot express that: after such a challenge
 * docker refuses to continue without a password, and without a challenge it sends none. So clients
 * are sent to a token endpoint, which also issues a token to a client without a password; it grants
 * no more than a request without a token.
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
  const issuesTokens = adminToken !== undefined && readToken === undefined;
  const anonymousToken = crypto.randomUUID();

  const refusalOf: Guard = (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/health" || (issuesTokens && pathname === tokenPath)) return undefined;
    // The endpoint at which clients ask for a challenge and check their credentials.
    if (issuesTokens && /^\/v2\/?$/.test(pathname)) {
      return request.headers.get("authorization") === `Bearer ${anonymousToken}`
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
      const reason = "this needs the registry's token (as Bearer, or as Basic's password)";
      return ociRefusal(refusal, reason, issuesTokens ? bearerChallenge(request, url) : undefined);
    },
    addRoutes(app) {
      if (!issuesTokens) return;
      app.get(tokenPath, ({ req: { raw: request } }) => {
        const hasPassword = request.headers.has("authorization");
        const refusal = hasPassword ? write(request) : undefined;
        if (refusal) return ociRefusal(refusal, "the password is not the registry's token");
        // The password is the token itself.
        const token = hasPassword ? adminToken : anonymousToken;
        return Response.json({ token, access_token: token, expires_in: 300 }, {
          headers: { "cache-control": "no-store" },
        });
      });
    },
  };
}

/**
 * Converts a guard's refusal to the OCI protocol's form.
 *
 * @param reason the message for a missing or wrong token.
 */
function ociRefusal({ status, headers }: Response, reason: string, challenge?: string): Response {
  if (status !== 401) {
    return ociError(
      status,
      "DENIED",
      "without a token the registry serves this machine's own programs only, by its own name",
    );
  }
  return ociError(status, "UNAUTHORIZED", reason, {
    "www-authenticate": challenge ?? headers.get("www-authenticate") ?? "",
  });
}

/** Returns `Bearer realm="…/v2/token",service="…",scope="repository:k33g/hola:pull,push"`. */
function bearerChallenge({ method, headers }: Request, { protocol, host, pathname }: URL): string {
  // Behind a proxy that terminates TLS, the client must not send its password in the clear.
  const scheme = headers.get("x-forwarded-proto") === "https" ? "https:" : protocol;
  const [, repository] = /^\/v2\/(.+)\/(?:blobs|manifests|tags|referrers)\//.exec(pathname) ?? [];
  const scope = repository === undefined
    ? ""
    : `,scope="repository:${repository}:${method === "DELETE" ? "delete" : "pull,push"}"`;
  return `Bearer realm="${scheme}//${host}${tokenPath}",service="${host}"${scope}`;
}
