import { messageOf } from "../../base/errors.ts";
import { HttpError } from "../../server/http_error.ts";
import { changeRoutes, type RouteChange } from "./change_routes.ts";
import type { RouteTable } from "./change_routes.ts";
import type { Routes } from "./routes.ts";

/** Routes in the memory of this process. `save` stores each state before it takes effect. */
export class MemoryTable implements RouteTable {
  #routes: Routes;
  #listener: (routes: Routes) => void = () => {};
  #last: Promise<void> = Promise.resolve();
  readonly #save: ((routes: Routes) => Promise<void>) | undefined;

  constructor(routes: Routes, save?: (routes: Routes) => Promise<void>) {
    this.#routes = routes;
    this.#save = save;
  }

  get routes(): Routes {
    return this.#routes;
  }

  listen(listener: (routes: Routes) => void): void {
    this.#listener = listener;
    listener(this.#routes);
  }

  /** Changes are made one after another. */
  change(change: RouteChange): Promise<void> {
    const done = this.#last.then(() => this.#change(change));
    this.#last = done.catch(() => {});
    return done;
  }

  async #change(change: RouteChange): Promise<void> {
    const next = changeRoutes(this.#routes, change);
    try {
      await this.#save?.(next);
    } catch (error) {
      throw new HttpError(
        503,
        "ERROR_BACKEND_UNAVAILABLE",
        `cannot save the routes: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
    this.#routes = next;
    this.#listener(next);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
  }
}
