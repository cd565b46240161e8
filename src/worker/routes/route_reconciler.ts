import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { type Timer, unref } from "../../base/timers.ts";
import type { ProxyClient, Route, RouteList } from "../../proxy/public.ts";
import { AdminCallError } from "../../client/call_admin.ts";
import { eachRoute, hasRoute, type OwnRoutes, sameRoutes, union, withoutUrl } from "./routes.ts";

export interface RouteReconcilerOptions {
  readonly client: ProxyClient;
  /** What may be registered as ours, as an earlier process of this worker left it. */
  readonly owned: OwnRoutes;
  /** What shall be registered as ours now. */
  readonly wanted: () => OwnRoutes;
  /** Keeps what may be registered as ours. Resolves when that is on the disk. */
  readonly save: (owned: OwnRoutes) => Promise<void>;
  /** How often the proxy is looked at, which may have been away, and may have forgotten. */
  readonly intervalMs: number;
  readonly log: Log;
}

/** `why`: the proxy is away, or refuses. */
export type SyncResult = { readonly kind: "done" } | {
  readonly kind: "failed";
  readonly why: string;
};

/**
 * Keeps the proxy's routes as the worker wants them, its own ones only: those are written down before they are registered, so that whoever comes after a
 * crash knows what to take away.
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

  /** Makes the proxy's routes what is wanted at some moment after the call, unless it was disposed of. Never rejects. */
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
      const wanted = this.#options.wanted();
      if (wanted.size === 0 && this.#owned.size === 0) return { kind: "done" };
      await this.#own(union(this.#owned, wanted));
      const found = await client.list();
      // New ones first: a function is never without a URL in between.
      for (const route of eachRoute(wanted)) {
        if (!hasRoute(found, route)) await add(client, route, found);
      }
      for (const what of withoutUrl(wanted)) {
        if (found.get(what.function)?.has(what.revision)) continue;
        await ignoring(409, client.register({ ...what, url: null }));
      }
      for (const route of eachRoute(this.#owned)) {
        if (!hasRoute(wanted, route) && hasRoute(found, route)) {
          await ignoring(404, client.removeUrl(route));
        }
      }
      for (const [name, revisions] of this.#owned) {
        for (const revision of revisions.keys()) {
          if (wanted.get(name)?.has(revision) || !found.get(name)?.has(revision)) continue;
          // Another worker may serve it, too.
          await ignoring(
            404,
            ignoring(409, client.removeRevision({ function: name, revision, ifEmpty: true })),
          );
        }
      }
      await this.#own(wanted);
      if (this.#lastFailure !== undefined) log.info("the proxy's routes are right again");
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

/** Whoever else registers at the same time may be first. */
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
