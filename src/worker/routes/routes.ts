import * as z from "zod";
import { defaultRevision } from "../../base/function_names.ts";
import type { DesiredState } from "../state/desired_state.ts";

/** Function → revision → URLs: what this worker has, or wants to have, registered with the proxy. */
export type OwnRoutes = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

/**
 * The routes that lead to what runs: each revision's own, and the default revision's also under the name `default`, in the place of a revision that is
 * really called so. A wanted revision that has no URL at the moment stays, empty.
 */
export function routesOf(
  wanted: DesiredState,
  urlsOf: (name: string, revision: string) => Iterable<string>,
): OwnRoutes {
  return new Map(Array.from(wanted, ([name, { revisions, defaultRevision: chosen }]) => {
    const routes = new Map(
      Array.from(revisions.keys(), (each) => [each, new Set(urlsOf(name, each))]),
    );
    const urls = chosen === undefined ? undefined : routes.get(chosen);
    if (urls) routes.set(defaultRevision, urls);
    return [name, routes];
  }));
}

/** All that is in either. */
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

/** Each route on its own. */
export function* eachRoute(
  routes: OwnRoutes,
): Generator<{ function: string; revision: string; url: string }> {
  for (const [name, revisions] of routes) {
    for (const [revision, urls] of revisions) {
      for (const url of urls) yield { function: name, revision, url };
    }
  }
}

/** Revisions that nobody serves at the moment: whoever calls one is told to come again, not that there is none. */
export function* withoutUrl(routes: OwnRoutes): Generator<{ function: string; revision: string }> {
  for (const [name, revisions] of routes) {
    for (const [revision, urls] of revisions) {
      if (urls.size === 0) yield { function: name, revision };
    }
  }
}

export function hasRoute(
  routes: ReadonlyMap<string, ReadonlyMap<string, Iterable<string>>>,
  route: { function: string; revision: string; url: string },
): boolean {
  const urls = routes.get(route.function)?.get(route.revision) ?? [];
  return new Set(urls).has(route.url);
}

/** Whether any of them leads to that port. */
export function leadsTo(routes: OwnRoutes, port: number): boolean {
  for (const { url } of eachRoute(routes)) if (url.endsWith(`:${port}`)) return true;
  return false;
}

export function sameRoutes(a: OwnRoutes, b: OwnRoutes): boolean {
  return JSON.stringify(encodeOwnRoutes(a)) === JSON.stringify(encodeOwnRoutes(b));
}

/** As the state file has them. */
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

/** As JSON, sorted; `ownRoutesSchema` reads it. */
export function encodeOwnRoutes(routes: OwnRoutes): Record<string, Record<string, string[]>> {
  return sorted(routes, (revisions) => sorted(revisions, (urls) => [...urls].sort()));
}

function sorted<T, U>(map: ReadonlyMap<string, T>, of: (value: T) => U): Record<string, U> {
  const pairs = [...map].sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(pairs.map(([key, value]) => [key, of(value)]));
}
