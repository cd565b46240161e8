import { encodeByteString } from "../../base/byte_string.ts";
import { headerFields } from "../../server/deno_request.ts";
import { Fields, isForbidden } from "../../wasi/p2/fields.ts";
import type { HttpVariant } from "../../wasi/p2/http_syntax.ts";
import { IncomingBody, type IncomingRequest, noTrailers } from "../../wasi/p2/http_types.ts";
import type { BodyFraming, RequestBody } from "./request_body.ts";
import { authorityOf } from "../authority.ts";

/** A request without its body. */
export interface ComponentRequestHead {
  readonly method: string;
  readonly pathWithQuery: string;
  readonly scheme: HttpVariant;
  readonly authority: string;
  /** Immutable, without the fields that a guest does not see. */
  readonly headers: Fields;
}

/** Reads the head of a request. */
export function toRequestHead(request: Request): ComponentRequestHead & BodyFraming {
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
    if (!isForbidden(name)) fields.append(name, encodeByteString(value));
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

/** A request as its guest sees it. */
export class HandledRequest implements IncomingRequest {
  readonly method: string;
  readonly pathWithQuery: string;
  readonly scheme: HttpVariant;
  readonly authority: string;
  readonly body: IncomingBody;
  isConsumed = false;
  readonly #head: ComponentRequestHead;

  /**
   * @param isOver reports whether its call has ended or was discarded. From then on no more of the
   * body is read: the rerun of the call needs all of it.
   */
  constructor(head: ComponentRequestHead, body: RequestBody, isOver: () => boolean) {
    this.method = head.method;
    this.pathWithQuery = head.pathWithQuery;
    this.scheme = head.scheme;
    this.authority = head.authority;
    this.body = new IncomingBody(
      () => body.stream,
      () => isOver() ? noTrailers() : body.trailers(),
    );
    this.#head = head;
  }

  /** Read when the guest asks for them: most guests do not. */
  get headers(): Fields {
    return this.#head.headers;
  }
}
