import { CapsuleError } from "../../base/errors.ts";
import { guestMark } from "../../base/headers.ts";
import type { Header } from "./http_client.ts";
import type { Target } from "./request_target.ts";

/** As Go's client sends its own name; a guest's own `User-Agent` goes first. */
const userAgent = "capsule";
/** What the connection's two ends agree upon, which is the client's business; Go's client drops most of them too. `Host` is the URL's. */
const ownHeaders = [
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
];

/** @throws CapsuleError `METHOD` */
export function checkedMethod(method: string): string {
  if (method === "") return "GET";
  if (!isToken(method)) {
    throw new CapsuleError("METHOD", `${JSON.stringify(method)} is no HTTP method`);
  }
  // CONNECT asks for a tunnel, which no function could use.
  if (method.toUpperCase() === "CONNECT") {
    throw new CapsuleError("METHOD", "the method CONNECT is not supported");
  }
  return method;
}

/** The guest's headers without those that are the client's business. @throws CapsuleError `HEADER` */
export function checkedHeaders(headers: readonly Header[]): Header[] {
  const kept = headers.filter(([name]) => !ownHeaders.includes(name.toLowerCase()));
  for (const [name, value] of kept) {
    if (!isToken(name)) {
      throw new CapsuleError("HEADER", `${JSON.stringify(name)} is no name of a header`);
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

/** What `http://name:password@host/` says, unless the guest's own header says something. */
export function withAuthorization(headers: Header[], { authorization }: Target): Header[] {
  if (authorization === undefined || has(headers, "authorization")) return headers;
  return [...headers, ["Authorization", authorization]];
}

/** The headers as they go out to one server. */
export function withOwn(
  headers: readonly Header[],
  { target, gzip }: { target: Target; gzip: boolean },
): Header[] {
  const out = headers.filter(([name]) => name.toLowerCase() !== guestMark);
  if (!has(out, "user-agent")) out.push(["User-Agent", userAgent]);
  if (gzip) out.push(["Accept-Encoding", "gzip"]);
  if (isThisMachine(target.url.hostname)) out.push([guestMark, "1"]);
  return out;
}

/**
 * Whether the host is a name under which an admin interface without a token would let a request pass. It does so by the `Host` header, which is always
 * the URL's, so that other ways to write the address need no mark.
 */
function isThisMachine(hostname: string): boolean {
  return /^(?:(?:.*\.)?localhost\.?|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

/** Whether there is a header of this name, in small letters. */
export function has(headers: readonly Header[], wanted: string): boolean {
  return headers.some(([name]) => name.toLowerCase() === wanted);
}

/** @see https://www.rfc-editor.org/rfc/rfc9110#name-tokens */
function isToken(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);
}
