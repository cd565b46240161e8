import { z } from "zod";
import { CapsuleError, messageOf } from "../base/errors.ts";

/** Where the proxy is, and how to be let in. */
export interface ProxyClientOptions {
  /** The proxy's URL, such as `http://localhost:8888`. */
  readonly url: string;
  /** Its backend, the first segment of its admin paths. */
  readonly backend: string;
  /** Its `-adminToken`. */
  readonly token?: string;
  /** How long an answer may take, in milliseconds; 10 s if not given. */
  readonly timeoutMs?: number;
  /** For tests. */
  readonly fetch?: typeof globalThis.fetch;
}

/** function → revision → URLs */
export type RouteList = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** A revision of a function, and a URL that serves it. */
export interface Route {
  readonly function: string;
  readonly revision: string;
  readonly url: string;
}

/** The proxy refused, or was not there. `code` is the proxy's: `ERROR_FUNCTION_NOT_FOUND`, …, or `PROXY` where it said none. */
export class ProxyClientError extends CapsuleError {
  /** The answer's; 0 when there was none. */
  readonly status: number;

  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = "ProxyClientError";
    this.status = status;
  }
}

/** The admin interface of a reverse proxy, called. Every method throws a `ProxyClientError`. */
export class ProxyClient {
  readonly #options: ProxyClientOptions;

  constructor(options: ProxyClientOptions) {
    this.#options = options;
  }

  async list(): Promise<RouteList> {
    const list = z.looseObject({});
    const urls = z.array(z.string());
    const parsed = list.safeParse(await this.#call("GET", "list"));
    if (!parsed.success) throw new ProxyClientError(200, "PROXY", "the proxy's list is no list of routes");
    return new Map(
      Object.entries(parsed.data).map(([name, revisions]) => [
        name,
        new Map(Object.entries(Object(revisions)).map(([revision, each]) => [revision, urls.parse(each)])),
      ]),
    );
  }

  /** A new function, or a new revision of one. */
  async register(route: Route): Promise<void> {
    await this.#call("POST", "registration", { ...route });
  }

  async removeFunction(name: string): Promise<void> {
    await this.#call("DELETE", "registration", { function: name });
  }

  async addRevision({ function: name, revision, url }: Route): Promise<void> {
    await this.#call("POST", `${encodeURIComponent(name)}/revision`, { revision, url });
  }

  async removeRevision({ function: name, revision }: Omit<Route, "url">): Promise<void> {
    await this.#call("DELETE", `${encodeURIComponent(name)}/revision`, { revision });
  }

  async addUrl({ function: name, revision, url }: Route): Promise<void> {
    await this.#call("POST", `${encodeURIComponent(name)}/${encodeURIComponent(revision)}/url`, { url });
  }

  async removeUrl({ function: name, revision, url }: Route): Promise<void> {
    await this.#call("DELETE", `${encodeURIComponent(name)}/${encodeURIComponent(revision)}/url`, { url });
  }

  async #call(method: string, path: string, body?: Record<string, string>): Promise<unknown> {
    const { url, backend, token, timeoutMs = 10_000, fetch = globalThis.fetch } = this.#options;
    const where = `${url.replace(/\/+$/, "")}/${backend}/functions/${path}`;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeoutMs);
    try {
      const response = await fetch(where, {
        method,
        headers: {
          ...(token && { authorization: `Bearer ${token}` }),
          ...(body && { "content-type": "application/json" }),
        },
        body: body && JSON.stringify(body),
        redirect: "error",
        signal: late.signal,
      });
      const text = await response.text();
      const answer = jsonOf(text);
      if (response.ok && answer !== undefined) return answer;
      const { code = "PROXY", message = text.slice(0, 200) } = failure.safeParse(answer).data ?? {};
      throw new ProxyClientError(response.status, code, `the proxy ${url} refused: ${message}`);
    } catch (error) {
      if (error instanceof ProxyClientError) throw error;
      const reason = late.signal.aborted ? `no answer within ${timeoutMs} ms` : messageOf(error);
      throw new ProxyClientError(0, "PROXY", `the proxy ${url} cannot be reached: ${reason}`, {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

const failure = z.object({ code: z.string(), message: z.string() });

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
