/** What serves a revision: a URL, and its share among the others of the revision. */
export interface UpstreamEntry {
  /** As it was written. */
  readonly url: string;
  /** A whole number from 1; 1 where none was written. */
  readonly weight: number;
}

export interface FunctionRoutes {
  /** Revision → who serves it; a revision whose last URL is gone stays, empty. */
  readonly revisions: ReadonlyMap<string, readonly UpstreamEntry[]>;
  /** Revision → its share of the calls that name no revision. Without it they go to `default`. */
  readonly weights?: ReadonlyMap<string, number>;
}

/** Function → what serves it. Never changed: a change makes another. */
export type Routes = ReadonlyMap<string, FunctionRoutes>;

/** Why a text cannot be the URL of an upstream; `undefined` when it can. */
export function urlFault(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text)) return "a URL must begin with http:// or https://";
  if (!/^[\x21-\x7e]+$/.test(text)) return "a URL must be ASCII without spaces";
  const url = URL.parse(text);
  if (url === null || url.hostname === "") {
    return "a URL must name a host, and a port up to 65535 if any";
  }
  if (url.username !== "" || url.password !== "" || text.split("/")[2]?.includes("@")) {
    return "a URL must not hold a user or a password";
  }
  if (/[?#\\]/.test(text)) return "a URL must not hold a query, a fragment or a backslash";
  return undefined;
}

/** function → revision → URLs, sorted by name, as the list shows it. */
export function listRoutes(routes: Routes): Record<string, Record<string, string[]>> {
  return sorted(
    routes,
    ({ revisions }) => sorted(revisions, (entries) => entries.map(({ url }) => url)),
  );
}

/** The whole of the routes as JSON, for a file or Redis; `decodeRoutes` reads it. */
export function encodeRoutes(routes: Routes): unknown {
  return sorted(routes, ({ revisions, weights }) => ({
    revisions: sorted(revisions, (entries) => entries),
    ...(weights && { weights: sorted(weights, (weight) => weight) }),
  }));
}

/** Whether both lead every call to the same places. */
export function sameFunction(
  a: FunctionRoutes | undefined,
  b: FunctionRoutes | undefined,
): boolean {
  const text = (each: FunctionRoutes | undefined) =>
    each && JSON.stringify(encodeRoutes(new Map([["", each]])));
  return text(a) === text(b);
}

function sorted<T, U>(map: ReadonlyMap<string, T>, of: (value: T) => U): Record<string, U> {
  const pairs = [...map].sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(pairs.map(([key, value]) => [key, of(value)]));
}
