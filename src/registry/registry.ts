import type { Log } from "../base/log.ts";
import { unref } from "../base/timers.ts";
import { adminGuard, type Guard } from "../server/admin_guard.ts";
import { jsonApp } from "../server/json_app.ts";
import { addModuleRoutes } from "./module_routes.ts";
import { dropBody, ociError } from "./oci_errors.ts";
import { addOciRoutes } from "./oci_routes.ts";
import { addPageRoutes } from "./page_routes.ts";
import { Store } from "./store.ts";
import { UploadSessions } from "./upload_sessions.ts";

/** A registry's settings; sizes in bytes. */
export interface RegistryOptions {
  /** The folder in which everything lies. */
  files: string;
  /** Where it listens, for the guard. */
  host: string;
  log: Log;
  /** What whoever writes must show. */
  adminToken?: string;
  /** What whoever reads must show; the other one does too. */
  readToken?: string;
  overwrite?: boolean;
  maxUpload?: number;
  /** How long a blob that no manifest names is kept, and an upload that nobody goes on with. */
  graceMs?: number;
}

/** A registry, as a function from request to response. */
export interface Registry extends AsyncDisposable {
  readonly handler: (request: Request) => Response | Promise<Response>;
  readonly store: Store;
}

/**
 * Opens the registry of a folder: the description's interface and the OCI protocol on one store, and a page for people.
 *
 * @throws CapsuleError `STORE`
 */
export async function openRegistry(options: RegistryOptions): Promise<Registry> {
  const { files, host, log, adminToken, readToken, graceMs, maxUpload, overwrite = false } = options;
  const store = await Store.open({ files, log, graceMs, maxBytes: maxUpload });
  const sessions = new UploadSessions();
  const guard = guardOf({ host, adminToken, readToken });

  const app = jsonApp(log);
  app.use("*", async (context, next) => {
    const request = context.req.raw;
    const refusal = guard(request);
    if (refusal === undefined) return await next();
    await dropBody(request);
    return refusal;
  });
  app.get("/health", (context) => context.text("OK"));
  addOciRoutes(app, { store, sessions, asksForToken: adminToken !== undefined });
  addPageRoutes(app, store);
  addModuleRoutes(app, { store, files, overwrite });

  let cleaning = Promise.resolve();
  const clean = async () => {
    await sessions.endIdle(Date.now() - store.graceMs);
    const removed = await store.collectGarbage();
    if (removed > 0) log.info(`removed ${removed} blobs that no manifest names`);
  };
  const timer = unref(setInterval(() => {
    cleaning = cleaning.then(clean).catch((error: unknown) => log.error(`cannot clean up: ${String(error)}`));
  }, Math.max(1000, Math.min(store.graceMs, 60_000))));

  return {
    handler: (request) => app.fetch(request),
    store,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await cleaning;
      await sessions.endIdle(Infinity);
      await store[Symbol.asyncDispose]();
    },
  };
}

/** One guard for whoever writes and one for whoever reads, and the protocol's own form for what they refuse under `/v2/`. */
function guardOf(
  { host, adminToken, readToken }: Pick<RegistryOptions, "host" | "adminToken" | "readToken">,
): Guard {
  const write = adminGuard({ token: adminToken, basic: true, host });
  const read = readToken
    ? adminGuard({ token: readToken, alsoTokens: adminToken ? [adminToken] : [], basic: true, host })
    : () => undefined;
  return (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/health") return undefined;
    const reads = request.method === "GET" || request.method === "HEAD";
    // Clients ask here whether their credentials are right, before they write.
    const asks = /^\/v2\/?$/.test(pathname) && request.headers.has("authorization") &&
      adminToken !== undefined;
    const refusal = reads && !(asks && !readToken) ? read(request) : write(request);
    if (refusal === undefined || !pathname.startsWith("/v2")) return refusal;
    const why = refusal.status === 401
      ? "this needs the registry's token (as Bearer, or as Basic's password)"
      : "without a token the registry serves this machine's own programs only, by its own name";
    return ociError(refusal.status, "DENIED", why, challengeOf(refusal));
  };
}

function challengeOf(refusal: Response): Record<string, string> {
  const challenge = refusal.headers.get("www-authenticate");
  return challenge === null ? {} : { "www-authenticate": challenge };
}
