/** Deno's own object behind a request (`ext/http/00_serve.ts`). */
interface InnerRequest {
  readonly headerList?: unknown;
}

let symbol: symbol | undefined;

/** Returns the object behind a request of Deno's server; undefined with another layout of Deno. */
export function innerRequest(request: Request): InnerRequest | undefined {
  symbol ??= Object.getOwnPropertySymbols(request).find((each) => each.description === "request");
  const inner: unknown = symbol && Reflect.get(request, symbol);
  return typeof inner === "object" && inner !== null ? inner : undefined;
}

/**
 * Returns the header fields of a request as byte strings, in the order in which they came and
 * repeated ones apart, which `Headers` sorts and joins. Deno joins the lines of `Cookie` itself.
 *
 * With another layout of Deno they are those of `Headers`; `tests/server/deno_request_test.ts`
 * fails then.
 */
export function headerFields(
  request: Request,
): readonly (readonly [name: string, value: string])[] {
  const list = innerRequest(request)?.headerList;
  return Array.isArray(list) ? list : [...request.headers];
}
