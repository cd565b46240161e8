import * as z from "zod";
import { CapsuleError, fetchReason } from "../base/errors.ts";
import { bearer } from "../base/headers.ts";
import { type Fetch, httpFetch } from "../base/http_fetch.ts";

/** The admin interface of another process. */
export interface AdminServer {
  /** Names the server in messages: `the proxy`. */
  readonly label: string;
  /** For example `http://localhost:8888`. */
  readonly url: string;
  /** Its `-adminToken`. */
  readonly token?: string;
  /** Timeout for a whole response; default 10 s. */
  readonly timeoutMs?: number;
  /** Replaces `httpFetch` in tests. */
  readonly fetch?: Fetch;
}

/** A call to an admin interface. */
export interface AdminCall {
  readonly method: string;
  /** Relative to the server's URL, without a leading slash. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: Readonly<Record<string, unknown>>;
}

/**
 * A call that the server refused or did not answer. `code` is the server's own, `HTTP` if it sent
 * none, or `UNREACHABLE`.
 */
export class AdminCallError extends CapsuleError {
  /** HTTP status of the response; 0 without a response. */
  readonly status: number;

  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = "AdminCallError";
    this.status = status;
  }
}

/**
 * Sends a call and returns the JSON of the response.
 *
 * @throws AdminCallError for an error response, a timeout, a failed connection or a body that is
 * not JSON.
 */
export async function callAdmin(
  server: AdminServer,
  { method, path, body }: AdminCall,
): Promise<unknown> {
  const { label, url, token, timeoutMs = 10_000, fetch = httpFetch } = server;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  try {
    const response = await fetch(`${url.replace(/\/+$/, "")}/${path}`, {
      method,
      headers: {
        ...(token && { authorization: bearer(token) }),
        ...(body && { "content-type": "application/json" }),
      },
      body: body && JSON.stringify(body),
      redirect: "error",
      signal: late.signal,
    });
    const text = await response.text();
    const answer = parseJson(text);
    if (response.ok && answer !== undefined) return answer;
    const { code = "HTTP", message = `${response.status} ${text.slice(0, 200)}`.trim() } =
      failure.safeParse(answer).data ?? {};
    throw new AdminCallError(response.status, code, `${label} ${url} refused: ${message}`);
  } catch (error) {
    if (error instanceof AdminCallError) throw error;
    const reason = late.signal.aborted ? `no answer within ${timeoutMs} ms` : fetchReason(error);
    throw new AdminCallError(0, "UNREACHABLE", `${label} ${url} cannot be reached: ${reason}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

const failure = z.object({ code: z.string(), message: z.string() });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
