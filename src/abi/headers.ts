import type { ByteString } from "../base/byte_string.ts";

/** A header; name and value are byte strings. */
export type Header = readonly [name: ByteString, value: ByteString];

const canonicalNames = new Map<string, string>();
/** The cache of canonical names, which come from clients and guests, is bounded in both ways. */
const maxCachedNames = 1000;
const maxCachedNameLength = 128;

/** The longest header list of a guest, in bytes; the rest is ignored. */
export const maxHeaderListBytes = 256 * 1024;

/**
 * Returns a header's name in Go's canonical form, in which guests look it up: `content-type`
 * becomes `Content-Type`.
 *
 * @see https://pkg.go.dev/net/http#CanonicalHeaderKey
 */
export function canonicalName(name: string): string {
  const known = canonicalNames.get(name);
  if (known !== undefined) return known;
  const canonical = name.toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
  if (name.length <= maxCachedNameLength && canonicalNames.size < maxCachedNames) {
    canonicalNames.set(name, canonical);
  }
  return canonical;
}

/**
 * Adds a header to the list that a guest reads: `Name:Value` items, separated by `|`, with
 * canonical names. A `|` inside a value is encoded as `%7C`.
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

/**
 * Parses a guest's header list. Each item is split at its first colon, and name and value are
 * trimmed. An item without a colon is skipped; the original library writes `empty` for no headers.
 * A list beyond `maxHeaderListBytes` is cut there.
 */
export function decodeHeaders(list: ByteString): Header[] {
  const headers: Header[] = [];
  if (list === "" || list === "empty") return headers;
  for (const item of list.slice(0, maxHeaderListBytes).split("|")) {
    const colon = item.indexOf(":");
    if (colon > 0) headers.push([item.slice(0, colon).trim(), item.slice(colon + 1).trim()]);
  }
  return headers;
}
