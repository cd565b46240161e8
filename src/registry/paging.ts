import { HttpError } from "../server/http_error.ts";

/** A page of a list. */
export interface Page<Item> {
  page: Item[];
  /** `Link` to the next page, if there is one. */
  headers: Record<string, string>;
}

/** Options of `pageOf`. */
export interface PagingOptions<Item> {
  /** The key by which the list is sorted. */
  keyOf: (item: Item) => string;
  /** The size of a page as JSON, which ends it early; no limit by default. */
  maxBytes?: number;
}

/**
 * Returns the page of a sorted list that a URL selects: up to `n` items after the key `last`.
 *
 * @throws HttpError 400 `PAGINATION_NUMBER_INVALID`
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags
 */
export function pageOf<Item>(
  sorted: readonly Item[],
  url: URL,
  { keyOf, maxBytes = Infinity }: PagingOptions<Item>,
): Page<Item> {
  const last = url.searchParams.get("last");
  const rest = last === null ? sorted : sorted.filter((item) => keyOf(item) > last);
  const count = readCount(url) ?? rest.length;
  const page = rest.slice(0, maxBytes === Infinity ? count : fitting(rest, count, maxBytes));
  const end = page.at(-1);
  if (end === undefined || page.length === rest.length) return { page, headers: {} };
  const next = new URL(url);
  next.searchParams.set("last", keyOf(end));
  return { page, headers: { link: `<${next.pathname}${next.search}>; rel="next"` } };
}

/** Returns the number of items, at least one and up to `count`, that fit in `maxBytes` of JSON. */
function fitting(items: readonly unknown[], count: number, maxBytes: number): number {
  let bytes = 0;
  const end = items.slice(0, count).findIndex((item, index) => {
    bytes += JSON.stringify(item).length;
    return index > 0 && bytes > maxBytes;
  });
  return end < 0 ? count : end;
}

function readCount(url: URL): number | undefined {
  const text = url.searchParams.get("n");
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new HttpError(400, "PAGINATION_NUMBER_INVALID", `n is a whole number: got "${text}"`);
}
