import type { Change } from "./change_routes.ts";
import type { Routes } from "./routes.ts";

/** Where the routes are kept. */
export interface RouteTable extends AsyncDisposable {
  /** The routes as far as this process knows them. */
  readonly routes: Routes;
  /**
   * Changes them for everybody who keeps them there, and resolves when that is done.
   *
   * @throws HttpError 404, 409 (see `changeRoutes`), 503 `ERROR_BACKEND_UNAVAILABLE` when they could not be changed.
   */
  change(change: Change): Promise<void>;
  /** Called after each change, whoever made it. One listener; it is called at once, too. */
  listen(listener: (routes: Routes) => void): void;
}
