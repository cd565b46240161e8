import * as z from "zod";
import { defaultRevision } from "../../base/function_names.ts";
import type { DesiredState } from "../state/desired_state.ts";

/** Function → revision → URLs: the routes of this worker, actual or desired. */
export type OwnRoutes = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

/**
 * Returns the routes to the running instances. The default revision is also registered as
 * `default`, in place of a revision of that name. A revision without a URL has an empty set.
 */
export function routesOf(
  desired: DesiredState,
  urlsOf: (name: string, revision: string) => Iterable<string>,
): OwnRoutes {
  return new Map(Array.from(desired, ([name, { revisions, defaultRevision: chosen }]) => {
    const routes = new Map(
      Array.from(revisions.keys(), (each) => [each, new Set(urlsOf(name, each))]),
    );
    const urls = chosen === undefined ? undefined : routes.get(chosen);
    if (urls) routes.set(defaultRevision, urls);
    return [name, routes];
  }));
}

/** Returns the routes that are in either. */
export function union(a: OwnRoutes, b: OwnRoutes): OwnRoutes {
  const all = new Map(a);
  for (const [name, revisions] of b) {
    const merged = new Map(all.get(name));
    for (const [revision, urls] of revisions) {
      merged.set(revision, (merged.get(revision) ?? new Set<string>()).union(urls));
    }
    all.set(name, merged);
  }
  return all;
}

/** Yields every route. */
export function* eachRoute(
  routes: OwnRoutes,
): Generator<{ function: string; revision: string; url: string }> {
  for (const [name, revisions] of routes) {
    for (const [revision, urls] of revisions) {
      for (const url of urls) yield { function: name, revision, url };
    }
  }
}

/** Yields the revisions without a URL: the proxy responds 503 for them, not 404. */
export function* withoutUrl(routes: OwnRoutes): Generator<{ function: string; revision: string }> {
  for (const [name, revisions] of routes) {
    for (const [revision, urls] of revisions) {
      if (urls.size === 0) yield { function: name, revision };
    }
  }
}

/** Reports whether the routes contain a route. */
export function hasRoute(
  routes: ReadonlyMap<string, ReadonlyMap<string, Iterable<string>>>,
  route: { function: string; revision: string; url: string },
): boolean {
  const urls = routes.get(route.function)?.get(route.revision) ?? [];
  return new Set(urls).has(route.url);
}

/** Reports whether a route leads to a port. */
export function leadsTo(routes: OwnRoutes, port: number): boolean {
  for (const { url } of eachRoute(routes)) if (url.endsWith(`:${port}`)) return true;
  return false;
}

/** Reports whether two sets of routes are equal. */
export function sameRoutes(a: OwnRoutes, b: OwnRoutes): boolean {
  return JSON.stringify(encodeOwnRoutes(a)) === JSON.stringify(encodeOwnRoutes(b));
}

/** A schema for routes in the state file. */
export const ownRoutesSchema = z.record(z.string(), z.record(z.string(), z.array(z.string())))
  .transform(
    (functions): OwnRoutes =>
      new Map(
        Object.entries(functions).map(([name, revisions]) => [
          name,
          new Map(Object.entries(revisions).map(([revision, urls]) => [revision, new Set(urls)])),
        ]),
      ),
  );

/** Encodes routes as sorted JSON that `ownRoutesSchema` decodes. */
export function encodeOwnRoutes(routes: OwnRoutes): Record<string, Record<string, string[]>> {
  return sorted(routes, (revisions) => sorted(revisions, (urls) => [...urls].sort()));
}

function sorted<T, U>(map: ReadonlyMap<string, T>, of: (value: T) => U): Record<string, U> {
  const pairs = [...map].sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(pairs.map(([key, value]) => [key, of(value)]));
}
