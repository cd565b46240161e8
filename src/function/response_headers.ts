import type { Header } from "../abi/headers.ts";
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

/** What RFC 9110, 5.5 forbids in a value, and what is no byte. */
const forbiddenInValue = /[\0\r\n]|[^\0-\xff]/;
/** `token` of RFC 9110, 5.6.2. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const rememberedNames = 1000;

/** The headers of answers: those that may be sent, in the form that the server takes fastest. */
export class ResponseHeaders {
  readonly #log: Log;
  readonly #verdicts = new Map<string, string | undefined>();

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * The headers that may be sent as they are, in an object, or in a list when one is repeated. A header that cannot be sent is left
   * out, with one line in the log.
   */
  from(headers: readonly Header[]): Record<string, string> | [string, string][] {
    const object: Record<string, string> = {};
    let isRepeated = false;
    for (const [name, value] of headers) {
      const refusal = this.#refuse(name) ??
        (forbiddenInValue.test(value) ? "its value has a forbidden character" : undefined);
      if (refusal !== undefined) {
        this.#log.warn(`the function's header ${JSON.stringify(name)} is left out: ${refusal}`);
        continue;
      }
      if (name in object) isRepeated = true; // `__proto__` is, too: it must not be assigned
      else object[name] = value;
    }
    if (!isRepeated) return object;
    return headers.filter(([name, value]) =>
      this.#refuse(name) === undefined && !forbiddenInValue.test(value)
    ) as [string, string][];
  }

  /** Whether the function says that it answers in JSON. */
  isJson(headers: readonly Header[]): boolean {
    return headers.some(([name, value]) => name.toLowerCase() === "content-type" && value.includes("json"));
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
