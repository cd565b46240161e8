import type { ByteString } from "../base/byte_string.ts";
import { decodeHeaders, type Header } from "../abi/headers.ts";
import type { Log } from "../base/log.ts";

/** Headers that belong to the connection or are made from the body: the server writes them itself. */
const ownOfServer = new Set([
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
 * All but what RFC 9110, 5.5 allows in a value: bytes without control characters, among which a tab is none. `Response`
 * takes most of the others, and Deno's server then ends the whole process.
 */
const forbiddenInValue = /[^\t\x20-\x7e\x80-\xff]/;
/** `token` of RFC 9110, 5.6.2. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** More than any client takes. The server's time for them grows with their square: 13,000 take it seconds. */
const mostHeaders = 500;
const rememberedNames = 1000;
const rememberedLists = 100;

/** The headers of an answer. */
export interface AnswerHeaders {
  /** The first `Content-Type`. */
  readonly contentType: string | undefined;
  readonly others: readonly Header[];
  /** Whether the function says that it answers in JSON. */
  readonly isJson: boolean;
}

/** The headers of answers: those that may be sent. */
export class ResponseHeaders {
  readonly #log: Log;
  readonly #known = new Map<ByteString, AnswerHeaders>();
  readonly #verdicts = new Map<string, string | undefined>();

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * What an answer's headers come to. A header that cannot be sent is left out, with one line in the log. Lists that can be sent
   * whole are remembered: most functions answer with the same few.
   */
  from(list: ByteString): AnswerHeaders {
    const known = this.#known.get(list);
    if (known) return known;
    const headers = decodeHeaders(list);
    const allowed = this.allowed(headers);
    const isContentType = ([name]: Header) => name.toLowerCase() === "content-type";
    const first = allowed.find(isContentType);
    const answer = {
      contentType: first?.[1],
      others: allowed.filter((header) => header !== first),
      isJson: headers.some((header) => isContentType(header) && header[1].includes("json")),
    };
    if (allowed.length === headers.length) {
      if (this.#known.size >= rememberedLists) this.#known.clear();
      this.#known.set(list, answer);
    }
    return answer;
  }

  /** Those that may be sent; each of the others is a line in the log, and those that are too many one together. */
  allowed(headers: readonly Header[]): Header[] {
    if (headers.length <= mostHeaders) return headers.filter((header) => this.#mayBeSent(header));
    this.#log.warn(
      `the function's headers after the first ${mostHeaders} are left out: it gave ${headers.length}`,
    );
    return this.allowed(headers.slice(0, mostHeaders));
  }

  #mayBeSent([name, value]: Header): boolean {
    const refusal = this.#refuse(name) ??
      (forbiddenInValue.test(value) ? "its value has a forbidden character" : undefined);
    if (refusal === undefined) return true;
    this.#log.warn(`the function's header ${JSON.stringify(name)} is left out: ${refusal}`);
    return false;
  }

  #refuse(name: string): string | undefined {
    if (this.#verdicts.has(name)) return this.#verdicts.get(name);
    const verdict = !token.test(name)
      ? "this is no name of a header"
      : ownOfServer.has(name.toLowerCase())
      ? "the server sets it itself"
      : undefined;
    if (this.#verdicts.size < rememberedNames) this.#verdicts.set(name, verdict);
    return verdict;
  }
}

/**
 * Gives a response its headers. They come after it is made: with those that its constructor is given, Deno makes a native response
 * beside it and registers that for being collected, some 5 % of the time of a request.
 */
export function withHeaders(response: Response, { contentType, others }: AnswerHeaders): Response {
  if (contentType === undefined && others.length === 0) return response;
  const { headers } = response;
  if (contentType !== undefined) headers.set("content-type", contentType);
  for (const [name, value] of others) headers.append(name, value);
  return response;
}
