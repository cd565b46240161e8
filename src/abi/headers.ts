import type { ByteString } from "../base/byte_string.ts";

/** One header: its name and its value, both as bytes. */
export type Header = readonly [name: ByteString, value: ByteString];

const canonicalNames = new Map<string, string>();
const rememberedNames = 1000; // names come from clients, so what is remembered of them is bounded

/**
 * A header's name as Go writes it: `content-type` becomes `Content-Type`. Guests look headers up that way.
 *
 * @see https://pkg.go.dev/net/http#CanonicalHeaderKey
 */
export function canonicalName(name: string): string {
  const known = canonicalNames.get(name);
  if (known !== undefined) return known;
  const canonical = name.toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
  if (canonicalNames.size < rememberedNames) canonicalNames.set(name, canonical);
  return canonical;
}

/**
 * Adds a header to the list that a guest reads: `Name:Value` items joined by `|`, names as Go writes them. A `|` inside a
 * value is sent as `%7C`.
 */
export function addRequestHeader(
  list: ByteString,
  name: ByteString,
  value: ByteString,
): ByteString {
  const item = canonicalName(name) + ":" +
    (value.includes("|") ? value.replaceAll("|", "%7C") : value);
  return list === "" ? item : list + "|" + item;
}

/** The list of a request without headers: a guest built with the original library traps on an empty one. */
export const noRequestHeaders: ByteString = "Host:";

/**
 * The headers of a list that a guest made. Each item is split at its first colon and the spaces around name and value
 * are taken off. An item without a colon is no header: the original library sends the word `empty` for none.
 */
export function decodeHeaders(list: ByteString): Header[] {
  const headers: Header[] = [];
  if (list === "" || list === "empty") return headers;
  for (const item of list.split("|")) {
    const colon = item.indexOf(":");
    if (colon > 0) headers.push([item.slice(0, colon).trim(), item.slice(colon + 1).trim()]);
  }
  return headers;
}
