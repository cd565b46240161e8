import { headerFields } from "../../server/deno_request.ts";
import { Fields, isForbidden } from "../../wasi/p2/fields.ts";
import type { HttpVariant } from "../../wasi/p2/http_syntax.ts";
import { IncomingBody, type IncomingRequest } from "../../wasi/p2/http_types.ts";
import type { InputStream } from "../../wasi/p2/stream_types.ts";
import { authorityOf } from "../authority.ts";

/** A request without its body. */
export interface RequestHead {
  readonly method: string;
  readonly pathWithQuery: string;
  readonly scheme: HttpVariant;
  readonly authority: string;
  /** Immutable, without the fields that a guest does not see. */
  readonly headers: Fields;
  /** The `Content-Length`, null without one. */
  readonly contentLength: string | null;
  /** True with a `Transfer-Encoding`. */
  readonly isChunked: boolean;
}

/** Reads the head of a request. */
export function toRequestHead(request: Request): RequestHead {
  const { url, method } = request;
  const fields = new Fields();
  let contentLength: string | null = null;
  let isChunked = false;
  let host: string | undefined;
  for (const [given, value] of headerFields(request)) {
    const name = given.toLowerCase();
    if (name === "content-length") contentLength = value;
    else if (name === "transfer-encoding") isChunked = true;
    else if (name === "host") host = value;
    if (!isForbidden(name)) fields.append(name, bytesOf(value));
  }
  const start = url.indexOf("/", 8);
  return {
    method,
    pathWithQuery: start < 0 ? "/" : url.slice(start),
    scheme: { tag: url.startsWith("https:") ? "HTTPS" : "HTTP" },
    authority: host ?? authorityOf(url),
    headers: fields.frozen(),
    contentLength,
    isChunked,
  };
}

/** Returns a request as its guest sees it; `open` opens the stream of its body. */
export function toIncomingRequest(head: RequestHead, open: () => InputStream): IncomingRequest {
  const { method, pathWithQuery, scheme, authority, headers } = head;
  return {
    method,
    pathWithQuery,
    scheme,
    authority,
    headers,
    body: new IncomingBody(open),
  };
}

function bytesOf(byteString: string): Uint8Array {
  const bytes = new Uint8Array(byteString.length);
  for (let at = 0; at < byteString.length; at++) bytes[at] = byteString.charCodeAt(at);
  return bytes;
}
