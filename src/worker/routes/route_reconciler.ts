import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { type Timer, unref } from "../../base/timers.ts";
import type { ProxyClient, Route, RouteList } from "../../proxy/public.ts";
import { AdminCallError } from "../../client/call_admin.ts";
import { eachRoute, hasRoute, type OwnRoutes, sameRoutes, union, withoutUrl } from "./routes.ts";

/** Options of `RouteReconciler`. */
export interface RouteReconcilerOptions {
  readonly client: ProxyClient;
  /** Routes that this worker may have registered, as an earlier process saved them. */
  readonly owned: OwnRoutes;
  /** Returns the routes that should be registered. */
  readonly desired: () => OwnRoutes;
  /** Saves the routes that may be registered. Resolves when they are on the disk. */
  readonly save: (owned: OwnRoutes) => Promise<void>;
  /** Interval between checks of the proxy, which may have lost its routes. */
  readonly intervalMs: number;
  readonly log: Log;
}

/** The result of a reconciliation; `why` is the proxy's failure. */
export type SyncResult = { readonly kind: "done" } | {
  readonly kind: "failed";
  readonly why: string;
};

/**
 * Reconciles the proxy's routes with the desired ones. It changes only routes of this worker, which
 * it saves before it registers them: after a crash, the next process knows which ones to remove.
 */
export class RouteReconciler implements AsyncDisposable {
  readonly #options: RouteReconcilerOptions;
  readonly #timer: Timer;
  #owned: OwnRoutes;
  #running: Promise<SyncResult> | undefined;
  #next: Promise<SyncResult> | undefined;
  #lastFailure: string | undefined;
  #isOver = false;

  constructor(options: RouteReconcilerOptions) {
    this.#options = options;
    this.#owned = options.owned;
    this.#timer = unref(setInterval(() => this.#running ?? this.sync(), options.intervalMs));
  }

  get owned(): OwnRoutes {
    return this.#owned;
  }

  /** Reconciles with the state at some moment after the call. Never rejects. */
  sync(): Promise<SyncResult> {
    if (this.#isOver) return Promise.resolve({ kind: "failed", why: "the worker has ended" });
    if (this.#running === undefined) {
      return this.#running = this.#pass().finally(() => this.#running = undefined);
    }
    return this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.sync();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#isOver = true;
    await (this.#next ?? this.#running);
  }

  async #pass(): Promise<SyncResult> {
    const { client, log } = this.#options;
    try {
      const desired = this.#options.desired();
      if (desired.size === 0 && this.#owned.size === 0) return { kind: "done" };
      await this.#own(union(this.#owned, desired));
      const found = await client.list();
      // Additions first, so that a function always has a URL.
      for (const route of eachRoute(desired)) {
        if (!hasRoute(found, route)) await add(client, route, found);
      }
      for (const target of withoutUrl(desired)) {
        if (found.get(target.function)?.has(target.revision)) continue;
        await ignoring(409, client.register({ ...target, url: null }));
      }
      for (const route of eachRoute(this.#owned)) {
        if (!hasRoute(desired, route) && hasRoute(found, route)) {
          await ignoring(404, client.removeUrl(route));
        }
      }
      for (const [name, revisions] of this.#owned) {
        for (const revision of revisions.keys()) {
          if (desired.get(name)?.has(revision) || !found.get(name)?.has(revision)) continue;
          // Another worker may serve it as well.
          await ignoring(
            404,
            ignoring(409, client.removeRevision({ function: name, revision, ifEmpty: true })),
          );
        }
      }
      await this.#own(desired);
      if (this.#lastFailure !== undefined) log.info("the functions are registered again");
      this.#lastFailure = undefined;
      return { kind: "done" };
    } catch (error) {
      const why = messageOf(error);
      if (why !== this.#lastFailure) log.warn(`functions are not registered: ${why}`);
      this.#lastFailure = why;
      return { kind: "failed", why };
    }
  }

  async #own(owned: OwnRoutes): Promise<void> {
    if (sameRoutes(owned, this.#owned)) return;
    await this.#options.save(owned);
    this.#owned = owned;
  }
}

/** Adds a URL to a revision that another client may be creating or removing. */
async function add(client: ProxyClient, route: Route, found: RouteList): Promise<void> {
  if (found.get(route.function)?.has(route.revision)) {
    try {
      return await ignoring(409, client.addUrl(route));
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
  }
  try {
    await client.register(route);
  } catch (error) {
    if (!isStatus(error, 409)) throw error;
    await ignoring(409, client.addUrl(route));
  }
}

async function ignoring(status: number, call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isStatus(error, status)) throw error;
  }
}

function isStatus(error: unknown, status: number): boolean {
  return error instanceof AdminCallError && error.status === status;
}
