import type { Log } from "../base/log.ts";
import { unref } from "../base/timers.ts";
import { guarded, jsonApp } from "../server/json_app.ts";
import { accessOf, type AccessOptions } from "./access.ts";
import { addModuleRoutes } from "./modules/routes.ts";
import { addOciRoutes } from "./oci/routes.ts";
import { UploadSessions } from "./oci/upload_sessions.ts";
import { addPageRoutes } from "./page.ts";
import { RegistryStore } from "./store/registry_store.ts";

/** Options of `openRegistry`. */
export interface RegistryOptions extends AccessOptions {
  /** The folder of everything that is stored. */
  files: string;
  log: Log;
  /** Lets an upload replace a tag that holds another module; off by default. */
  overwrite?: boolean;
  /** The largest module or blob, in bytes. */
  maxUpload?: number;
  /** The grace period of unreferenced blobs and idle upload sessions. */
  graceMs?: number;
}

/** A registry, as a function from request to response. */
export interface Registry extends AsyncDisposable {
  readonly handler: (request: Request) => Response | Promise<Response>;
  readonly store: RegistryStore;
}

/**
 * Opens the registry of a folder: the module interface, the OCI protocol and a web page on one
 * store.
 *
 * @throws CapsuleError `STORE`
 */
export async function openRegistry(options: RegistryOptions): Promise<Registry> {
  const { files, log, graceMs, maxUpload, overwrite = false } = options;
  const store = await RegistryStore.open({ files, log, graceMs, maxBytes: maxUpload });
  const sessions = new UploadSessions();
  const access = accessOf(options);

  const app = jsonApp(log);
  app.use("*", guarded(access.guard));
  app.get("/health", (context) => context.text("OK"));
  access.addRoutes(app);
  addOciRoutes(app, { store, sessions });
  addPageRoutes(app, store);
  addModuleRoutes(app, { store, files, overwrite });

  let cleaning = Promise.resolve();
  const clean = async () => {
    await sessions.endIdle(Date.now() - store.graceMs);
    const removed = await store.blobs.collectGarbage();
    if (removed > 0) log.info(`removed ${removed} blobs that no manifest references`);
  };
  const timer = unref(setInterval(() => {
    cleaning = cleaning.then(clean).catch((error: unknown) =>
      log.error(`cannot clean up: ${String(error)}`)
    );
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
