import { HttpError } from "../../server/http_error.ts";
import { type FunctionRoutes, type Routes, sameFunction, type UpstreamEntry } from "./routes.ts";

/** A change of the routes. */
export type RouteChange =
  | {
    readonly kind: "register";
    readonly function: string;
    readonly revision: string;
    /** `null` for a revision without an upstream. */
    readonly url: string | null;
  }
  | {
    readonly kind: "add-revision" | "add-url" | "remove-url";
    readonly function: string;
    readonly revision: string;
    readonly url: string;
  }
  | {
    readonly kind: "remove-revision";
    readonly function: string;
    readonly revision: string;
    /** Removes only a revision without URLs; with the last one, the function, too. */
    readonly ifEmpty?: boolean;
  }
  | { readonly kind: "remove-function"; readonly function: string }
  /** Applies what changed in the configuration file: other functions stay. */
  | { readonly kind: "reload"; readonly before: Routes; readonly after: Routes }
  /** Adds the functions of a configuration file that shared routes do not have. */
  | { readonly kind: "seed"; readonly file: Routes };

/**
 * Returns the routes after a change.
 *
 * @throws HttpError 404 if what it changes does not exist, 409 if what it adds does.
 */
export function changeRoutes(routes: Routes, change: RouteChange): Routes {
  switch (change.kind) {
    case "register": {
      const known = routes.get(change.function);
      if (known?.revisions.has(change.revision)) {
        throw conflict("ERROR_FUNCTION_ALREADY_EXISTS", change.function);
      }
      const entries = change.url === null ? [] : [entryOf(change.url)];
      return withRevision(routes, change.function, change.revision, entries);
    }
    case "remove-function":
      needFunction(routes, change.function);
      return without(routes, change.function);
    case "add-revision":
      if (needFunction(routes, change.function).revisions.has(change.revision)) {
        throw conflict("ERROR_REVISION_ALREADY_EXISTS", change.revision);
      }
      return withRevision(routes, change.function, change.revision, [entryOf(change.url)]);
    case "remove-revision": {
      const entries = needRevision(routes, change.function, change.revision);
      const { revisions, weights } = needFunction(routes, change.function);
      if (change.ifEmpty) {
        if (entries.length > 0) {
          throw new HttpError(409, "ERROR_REVISION_NOT_EMPTY", `${change.revision} has URLs`);
        }
        if (revisions.size === 1) return without(routes, change.function);
      }
      return new Map(routes).set(
        change.function,
        withWeights(without(revisions, change.revision), weights),
      );
    }
    case "add-url": {
      const entries = needRevision(routes, change.function, change.revision);
      if (entries.some(({ url }) => url === change.url)) {
        throw conflict("ERROR_URL_ALREADY_EXISTS", change.url);
      }
      return withRevision(routes, change.function, change.revision, [
        ...entries,
        entryOf(change.url),
      ]);
    }
    case "remove-url": {
      const entries = needRevision(routes, change.function, change.revision);
      const left = entries.filter(({ url }) => url !== change.url);
      if (left.length === entries.length) throw missing("ERROR_URL_NOT_FOUND", change.url);
      return withRevision(routes, change.function, change.revision, left);
    }
    case "reload": {
      const next = new Map(routes);
      for (const name of new Set([...change.before.keys(), ...change.after.keys()])) {
        const after = change.after.get(name);
        if (sameFunction(change.before.get(name), after)) continue;
        if (after) next.set(name, after);
        else next.delete(name);
      }
      return next;
    }
    case "seed":
      return new Map([...change.file, ...routes]);
  }
}

const entryOf = (url: string): UpstreamEntry => ({ url, weight: 1 });

function needFunction(routes: Routes, name: string): FunctionRoutes {
  const found = routes.get(name);
  if (found === undefined) throw missing("ERROR_FUNCTION_NOT_FOUND", name);
  return found;
}

function needRevision(routes: Routes, name: string, revision: string): readonly UpstreamEntry[] {
  const found = needFunction(routes, name).revisions.get(revision);
  if (found === undefined) throw missing("ERROR_REVISION_NOT_FOUND", revision);
  return found;
}

function withRevision(
  routes: Routes,
  name: string,
  revision: string,
  entries: readonly UpstreamEntry[],
): Routes {
  const known = routes.get(name);
  const revisions = new Map(known?.revisions).set(revision, entries);
  return new Map(routes).set(name, withWeights(revisions, known?.weights));
}

/** Keeps the weights of existing revisions; without any, calls go to `default` again. */
function withWeights(
  revisions: FunctionRoutes["revisions"],
  weights: FunctionRoutes["weights"],
): FunctionRoutes {
  const left = new Map([...weights ?? []].filter(([revision]) => revisions.has(revision)));
  return [...left.values()].some((weight) => weight > 0)
    ? { revisions, weights: left }
    : { revisions };
}

function without<T>(map: ReadonlyMap<string, T>, key: string): Map<string, T> {
  const next = new Map(map);
  next.delete(key);
  return next;
}

const conflict = (code: string, thing: string) =>
  new HttpError(409, code, `${thing} already exists`);
const missing = (code: string, thing: string) =>
  new HttpError(404, code, `${thing} does not exist`);

/** Keeps the routes of a proxy. */
export interface RouteTable extends AsyncDisposable {
  /** The last routes that this process knows. */
  readonly routes: Routes;
  /**
   * Changes the routes for all proxies that share this table.
   *
   * @throws HttpError 404 or 409 (see `changeRoutes`); 503 `ERROR_BACKEND_UNAVAILABLE` if the
   * change could not be stored.
   */
  change(change: RouteChange): Promise<void>;
  /** Sets the one listener, which is called immediately and after each change by any process. */
  listen(listener: (routes: Routes) => void): void;
}
