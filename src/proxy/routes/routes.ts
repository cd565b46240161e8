/** An upstream of a revision. */
export interface UpstreamEntry {
  /** The URL as written. */
  readonly url: string;
  /** Its share of the revision's requests, an integer from 1; 1 by default. */
  readonly weight: number;
}

/** The routes of one function. */
export interface FunctionRoutes {
  /** Revision → upstreams. A revision without upstreams is kept. */
  readonly revisions: ReadonlyMap<string, readonly UpstreamEntry[]>;
  /** Revision → its share of the calls without a revision; they go to `default` if undefined. */
  readonly weights?: ReadonlyMap<string, number>;
}

/** Function → its routes. Immutable. */
export type Routes = ReadonlyMap<string, FunctionRoutes>;

/** Returns the rule that a URL of an upstream breaks; undefined if it is valid. */
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

/** Returns function → revision → URLs, sorted by name, as the admin interface lists them. */
export function listRoutes(routes: Routes): Record<string, Record<string, string[]>> {
  return sorted(
    routes,
    ({ revisions }) => sorted(revisions, (entries) => entries.map(({ url }) => url)),
  );
}

/** Encodes routes as a JSON value for a file or Redis; `decodeRoutes` reads it. */
export function encodeRoutes(routes: Routes): unknown {
  return sorted(routes, ({ revisions, weights }) => ({
    revisions: sorted(revisions, (entries) => entries),
    ...(weights && { weights: sorted(weights, (weight) => weight) }),
  }));
}

/** Reports whether two functions have the same routes. */
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
