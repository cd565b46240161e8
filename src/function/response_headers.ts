import type { ByteString } from "../base/byte_string.ts";
import { decodeHeaders, type Header, maxHeaderListBytes } from "../abi/headers.ts";
import type { Log } from "../base/log.ts";

/** The hop-by-hop headers (RFC 9110 § 7.6.1) and `Content-Length`, which the server sets. */
const setByServer = new Set([
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "upgrade",
  "trailer",
  "te",
  "proxy-connection",
]);

/**
 * Characters that RFC 9110 § 5.5 forbids in a value: control characters other than tab. `Response`
 * accepts most of them, and Deno's server then ends the whole process.
 */
const forbiddenInValue = /[^\t\x20-\x7e\x80-\xff]/;
/** `token` of RFC 9110 § 5.6.2. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Headers that a response may have. The server's time for them grows with their square. */
const maxHeaders = 500;
/** The caches are bounded in entries and in bytes, since their keys come from guests. */
const maxCachedNames = 1000;
const maxCachedNameLength = 128;
const maxCachedLists = 100;
const maxCachedListLength = 8 * 1024;

/** Headers of one response. */
export interface SendableHeaders {
  /** The first `Content-Type`. */
  readonly contentType: string | undefined;
  readonly others: readonly Header[];
  /** True if the function declares its response to be JSON. */
  readonly isJson: boolean;
}

/** Selects the headers of responses that may be sent. */
export class ResponseHeaders {
  readonly #log: Log;
  readonly #known = new Map<ByteString, SendableHeaders>();
  readonly #verdicts = new Map<string, string | undefined>();

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Decodes a header list. A header that must not be sent is dropped and logged. Lists without such
   * a header are cached: hot path, most functions have only a few (bench: `throughput`).
   */
  from(list: ByteString): SendableHeaders {
    const known = this.#known.get(list);
    if (known) return known;
    if (list.length > maxHeaderListBytes) {
      this.#log.warn(
        `the function's headers after the first ${maxHeaderListBytes} bytes are left out`,
      );
    }
    const headers = decodeHeaders(list);
    const allowed = this.allowed(headers);
    const isContentType = ([name]: Header) => name.toLowerCase() === "content-type";
    const first = allowed.find(isContentType);
    const sendable = {
      contentType: first?.[1],
      others: allowed.filter((header) => header !== first),
      isJson: headers.some((header) => isContentType(header) && header[1].includes("json")),
    };
    if (allowed.length === headers.length && list.length <= maxCachedListLength) {
      if (this.#known.size >= maxCachedLists) this.#known.clear();
      this.#known.set(list, sendable);
    }
    return sendable;
  }

  /** Returns the headers that may be sent and logs those that are dropped. */
  allowed(headers: readonly Header[]): Header[] {
    if (headers.length <= maxHeaders) return headers.filter((header) => this.#mayBeSent(header));
    this.#log.warn(
      `the function's headers after the first ${maxHeaders} are left out: it gave ${headers.length}`,
    );
    return this.allowed(headers.slice(0, maxHeaders));
  }

  #mayBeSent([name, value]: Header): boolean {
    const refusal = this.#refuse(name) ??
      (forbiddenInValue.test(value) ? "its value has a forbidden character" : undefined);
    if (refusal === undefined) return true;
    const shortName = name.length > maxCachedNameLength
      ? `${name.slice(0, maxCachedNameLength)}…`
      : name;
    this.#log.warn(`the function's header ${JSON.stringify(shortName)} is left out: ${refusal}`);
    return false;
  }

  #refuse(name: string): string | undefined {
    if (this.#verdicts.has(name)) return this.#verdicts.get(name);
    const verdict = !token.test(name)
      ? "this is not a header name"
      : setByServer.has(name.toLowerCase())
      ? "the server sets it itself"
      : undefined;
    if (name.length <= maxCachedNameLength && this.#verdicts.size < maxCachedNames) {
      this.#verdicts.set(name, verdict);
    }
    return verdict;
  }
}

/**
 * Sets the headers of a response. Hot path: headers that are passed to the constructor of
 * `Response` cost more (bench: `throughput`).
 */
export function withHeaders(
  response: Response,
  { contentType, others }: SendableHeaders,
): Response {
  if (contentType === undefined && others.length === 0) return response;
  const { headers } = response;
  if (contentType !== undefined) headers.set("content-type", contentType);
  for (const [name, value] of others) headers.append(name, value);
  return response;
}
