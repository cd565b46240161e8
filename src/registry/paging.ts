import { HttpError } from "../server/http_error.ts";

/**
 * The part of a sorted list that a URL asks for with `n` and `last`, and the `Link` header to the next part.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags
 */
export function pageOf(
  sorted: readonly string[],
  url: URL,
): { page: string[]; headers: Record<string, string> } {
  const last = url.searchParams.get("last");
  const rest = last === null ? sorted : sorted.filter((each) => each > last);
  const count = readCount(url) ?? rest.length;
  const page = rest.slice(0, count);
  const end = page.at(-1);
  if (end === undefined || page.length === rest.length) return { page, headers: {} };
  const next = new URL(url);
  next.searchParams.set("last", end);
  return { page, headers: { link: `<${next.pathname}${next.search}>; rel="next"` } };
}

/** @throws HttpError 400 `PAGINATION_NUMBER_INVALID` */
export function readCount(url: URL): number | undefined {
  const text = url.searchParams.get("n");
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new HttpError(400, "PAGINATION_NUMBER_INVALID", `n is a whole number: got "${text}"`);
}
