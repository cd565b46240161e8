import { HttpError } from "../server/http_error.ts";

/** One page of a list. */
export interface Page<Item> {
  page: Item[];
  /** `Link` to the next page, if there is one. */
  headers: Record<string, string>;
}

/**
 * Returns the page of a sorted list that a URL selects: up to `n` items after the key `last`.
 *
 * @param sorted sorted by `keyOf`.
 * @throws HttpError 400 `PAGINATION_NUMBER_INVALID`
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags
 */
export function pageOf<Item>(
  sorted: readonly Item[],
  url: URL,
  keyOf: (item: Item) => string,
): Page<Item> {
  const last = url.searchParams.get("last");
  const rest = last === null ? sorted : sorted.filter((item) => keyOf(item) > last);
  const page = rest.slice(0, readCount(url) ?? rest.length);
  const end = page.at(-1);
  if (end === undefined || page.length === rest.length) return { page, headers: {} };
  const next = new URL(url);
  next.searchParams.set("last", keyOf(end));
  return { page, headers: { link: `<${next.pathname}${next.search}>; rel="next"` } };
}

function readCount(url: URL): number | undefined {
  const text = url.searchParams.get("n");
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new HttpError(400, "PAGINATION_NUMBER_INVALID", `n is a whole number: got "${text}"`);
}
