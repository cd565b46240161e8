/**
 * Returns the authority of an absolute URL: `example.org:8080` of `https://example.org:8080/a`.
 *
 * A request over HTTP/2 has it in `:authority` instead of a `Host` header, and Deno makes it a part
 * of the URL (RFC 9113 § 8.3.1).
 */
export function authorityOf(url: string): string {
  const start = url.indexOf("//") + 2;
  const end = url.indexOf("/", start);
  return end < 0 ? url.slice(start) : url.slice(start, end);
}
