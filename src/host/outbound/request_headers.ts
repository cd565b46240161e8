import type { Header } from "../../abi/headers.ts";
import { CapsuleError } from "../../base/errors.ts";
import { guestMark } from "../../base/headers.ts";
import type { RequestTarget } from "./request_target.ts";

/** The default `User-Agent`. */
const userAgent = "capsule";
/**
 * Headers that the client sets itself: hop-by-hop headers (RFC 9110 § 7.6.1), framing, and `Host`,
 * which is the URL's. Go's client drops most of them too.
 */
const clientHeaders: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "proxy-connection",
  "upgrade",
  "trailer",
  "te",
  "expect",
]);

/**
 * Validates a method; an empty one is GET.
 *
 * @throws CapsuleError `METHOD`
 */
export function checkMethod(method: string): string {
  if (method === "") return "GET";
  if (!isToken(method)) {
    throw new CapsuleError("METHOD", `${JSON.stringify(method)} is not an HTTP method`);
  }
  // CONNECT opens a tunnel, which a function cannot use.
  if (method.toUpperCase() === "CONNECT") {
    throw new CapsuleError("METHOD", "the method CONNECT is not supported");
  }
  return method;
}

/**
 * Validates the guest's headers and returns them without those that the client sets itself.
 *
 * @throws CapsuleError `HEADER`
 */
export function checkHeaders(headers: readonly Header[]): Header[] {
  const kept = headers.filter(([name]) => !clientHeaders.has(name.toLowerCase()));
  for (const [name, value] of kept) {
    if (!isToken(name)) {
      throw new CapsuleError("HEADER", `${JSON.stringify(name)} is not a header name`);
    }
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new CapsuleError(
        "HEADER",
        `the value of the header ${name} has a line break or another control character`,
      );
    }
  }
  return kept;
}

/** Adds the credentials of `http://user:password@host/`, unless the guest set `Authorization`. */
export function withAuthorization(
  headers: Header[],
  { authorization }: RequestTarget,
): Header[] {
  if (authorization === undefined || hasHeader(headers, "authorization")) return headers;
  return [...headers, ["Authorization", authorization]];
}

/** Returns the guest's headers with the client's own: `User-Agent`, encoding, guest mark. */
export function withClientHeaders(
  headers: readonly Header[],
  { target, gzip }: { target: RequestTarget; gzip: boolean },
): Header[] {
  const out = withGuestMark(headers, target.url.hostname);
  if (!hasHeader(out, "user-agent")) out.push(["User-Agent", userAgent]);
  if (gzip) out.push(["Accept-Encoding", "gzip"]);
  return out;
}

/** Returns the guest's headers with the guest mark, if the host is this machine. */
export function withGuestMark(headers: readonly Header[], hostname: string): Header[] {
  const out = headers.filter(([name]) => name.toLowerCase() !== guestMark);
  if (isLoopbackName(hostname)) out.push([guestMark, "1"]);
  return out;
}

/**
 * Reports whether the host is one under which an admin interface without a token would accept the
 * request. It decides by `Host`, which is always the URL's, so other spellings need no mark.
 */
function isLoopbackName(hostname: string): boolean {
  return /^(?:(?:.*\.)?localhost\.?|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

/** Reports whether there is a header with this lower-case name. */
export function hasHeader(headers: readonly Header[], lowerName: string): boolean {
  return headers.some(([name]) => name.toLowerCase() === lowerName);
}

/** @see https://www.rfc-editor.org/rfc/rfc9110#name-tokens */
function isToken(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);
}
