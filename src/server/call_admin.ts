import * as z from "zod";
import { CapsuleError } from "../base/errors.ts";
import { fetchReason } from "../base/fetch_reason.ts";
import { bearer } from "../base/bearer.ts";

/** An admin interface of another process, and how to be let in. */
export interface AdminServer {
  /** For messages: `the proxy`. */
  readonly what: string;
  /** Such as `http://localhost:8888`. */
  readonly url: string;
  /** Its `-adminToken`. */
  readonly token?: string;
  /** How long an answer may take, in milliseconds; 10 s if not given. */
  readonly timeoutMs?: number;
  /** For tests. */
  readonly fetch?: typeof globalThis.fetch;
}

/** A call to an admin interface. */
export interface AdminCall {
  readonly method: string;
  /** Below the server's URL, without a slash at its beginning. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: Readonly<Record<string, unknown>>;
}

/** The server refused, or was not there. `code` is the server's own, or `UNREACHABLE`, or `HTTP` where it said none. */
export class AdminCallError extends CapsuleError {
  /** The answer's; 0 when there was none. */
  readonly status: number;

  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = "AdminCallError";
    this.status = status;
  }
}

/**
 * The JSON that the server answers a call with.
 *
 * @throws AdminCallError for a failure of the server, for none that answers in time, and for what is no JSON.
 */
export async function callAdmin(
  server: AdminServer,
  { method, path, body }: AdminCall,
): Promise<unknown> {
  const { what, url, token, timeoutMs = 10_000, fetch = globalThis.fetch } = server;
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
    const answer = jsonOf(text);
    if (response.ok && answer !== undefined) return answer;
    const { code = "HTTP", message = `${response.status} ${text.slice(0, 200)}`.trim() } =
      failure.safeParse(answer).data ?? {};
    throw new AdminCallError(response.status, code, `${what} ${url} refused: ${message}`);
  } catch (error) {
    if (error instanceof AdminCallError) throw error;
    const reason = late.signal.aborted ? `no answer within ${timeoutMs} ms` : fetchReason(error);
    throw new AdminCallError(0, "UNREACHABLE", `${what} ${url} cannot be reached: ${reason}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
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
