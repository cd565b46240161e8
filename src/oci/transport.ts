import { DeadlineError, withDeadline } from "../base/deadline.ts";
import { httpFetch } from "../base/http_fetch.ts";
import { CapsuleError, fetchReason } from "../base/errors.ts";
import { isLoopback } from "../base/hosts.ts";
import { isObject } from "../base/json.ts";
import { parseChallenge } from "./auth_challenge.ts";
import type { Credentials } from "./docker_credentials.ts";
import { readFirstBytes } from "./response_body.ts";

/** The largest error body, and the largest response of a token server. */
const maxErrorBytes = 10_000;
const maxTokenBytes = 1024 * 1024;

/** Options of `OciTransport`. */
export interface TransportOptions {
  host: string;
  /** Plain HTTP for a host that is not this machine. */
  insecure?: boolean;
  /** Called when the registry refuses a request without credentials, and not before. */
  credentials: () => Promise<Credentials | undefined>;
  signal?: AbortSignal;
  /** Until a response begins; 30 s by default. */
  answerMs?: number;
}

/** A response of the registry with an unexpected status. Code `REGISTRY`. */
export class RegistryAnswerError extends CapsuleError {
  readonly status: number;

  constructor(message: string, status: number) {
    super("REGISTRY", message);
    this.status = status;
  }
}

/** Returns the origin of a registry; one on this machine speaks plain HTTP. */
export function registryOrigin(
  { host, insecure }: Pick<TransportOptions, "host" | "insecure">,
): string {
  const name = host === "docker.io" ? "registry-1.docker.io" : host;
  return `${insecure || isLoopback(name.replace(/:\d+$/, "")) ? "http" : "https"}://${name}`;
}

/**
 * Sends requests to one registry and authenticates them. The registry names a token server or
 * takes the password itself; its first refusal states which.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export class OciTransport {
  readonly origin: string;
  readonly #options: TransportOptions;
  #authorization: string | undefined;

  constructor(options: TransportOptions) {
    this.origin = registryOrigin(options);
    this.#options = options;
  }

  /**
   * Sends a request and returns the response.
   *
   * @param expected the statuses that are returned.
   * @throws RegistryAnswerError for another status; CapsuleError `DOWNLOAD` without a response,
   * `CREDENTIALS`.
   */
  async request(path: string, init: RequestInit, expected: readonly number[]): Promise<Response> {
    const url = new URL(path, this.origin);
    let response = await this.#send(url, init);
    if (response.status === 401) {
      const challenge = response.headers.get("www-authenticate") ?? "";
      const authorization = await this.#authorize(challenge).catch(async (error: unknown) => {
        await response.body?.cancel();
        throw error;
      });
      if (authorization !== undefined && authorization !== this.#authorization) {
        await response.body?.cancel();
        this.#authorization = authorization;
        response = await this.#send(url, init);
      }
    }
    if (expected.includes(response.status)) return response;
    const { status } = response;
    const reason = await reasonOf(response);
    const request = `${init.method ?? "GET"} ${url.host}${url.pathname}`;
    const hint = status !== 401
      ? ""
      : this.#authorization === undefined
      ? `; no credentials were sent: "docker login ${this.#options.host}" stores some`
      : "; the credentials that were sent are not enough";
    throw new RegistryAnswerError(
      `the registry responded with ${status} to ${request}${reason}${hint}`,
      status,
    );
  }

  async #send(url: URL, init: RequestInit): Promise<Response> {
    const { signal: callerSignal, answerMs = 30_000 } = this.#options;
    const headers = new Headers(init.headers);
    // Another host, such as a store to which uploads are redirected, receives no credentials.
    if (url.origin === this.origin && this.#authorization && !headers.has("authorization")) {
      headers.set("authorization", this.#authorization);
    }
    try {
      return await withDeadline(
        answerMs,
        (signal) => httpFetch(url, { ...init, headers, signal }),
        callerSignal,
      );
    } catch (error) {
      callerSignal?.throwIfAborted();
      const reason = error instanceof DeadlineError
        ? `no answer for ${answerMs / 1000} s`
        : fetchReason(error);
      throw new CapsuleError("DOWNLOAD", `cannot reach the registry ${url.host}: ${reason}`, {
        cause: error,
      });
    }
  }

  /** Returns the `Authorization` header for a challenge; `undefined` without credentials for it. */
  async #authorize(header: string): Promise<string | undefined> {
    const challenge = parseChallenge(header);
    if (challenge === undefined) return undefined;
    const credentials = await this.#options.credentials();
    if (challenge.scheme === "basic") {
      return credentials?.kind === "password" ? basic(credentials) : undefined;
    }
    if (challenge.parameters.realm === undefined) return undefined;
    return `Bearer ${await this.#fetchToken(challenge.parameters, credentials)}`;
  }

  async #fetchToken(
    { realm = "", service, scope }: Readonly<Record<string, string>>,
    credentials: Credentials | undefined,
  ): Promise<string> {
    const url = new URL(realm, this.origin);
    if (url.protocol !== "https:" && credentials !== undefined && url.origin !== this.origin) {
      throw new CapsuleError(
        "CREDENTIALS",
        `the password is not sent to ${url.origin}, which is not encrypted`,
      );
    }
    const parameters = {
      ...(service !== undefined && { service }),
      ...(scope !== undefined && { scope }),
    };
    const response = await this.#sendTokenRequest(url, parameters, credentials);
    if (!response.ok) {
      const reason = await reasonOf(response);
      throw new RegistryAnswerError(
        `${url.host} issued no token: ${response.status}${reason}`,
        response.status,
      );
    }
    const body = await readJson(response, maxTokenBytes);
    const token = isObject(body) ? body.token ?? body.access_token : undefined;
    if (typeof token === "string" && token !== "") return token;
    throw new CapsuleError("DOWNLOAD", `${url.host} did not respond with a token`);
  }

  async #sendTokenRequest(
    url: URL,
    parameters: Record<string, string>,
    credentials: Credentials | undefined,
  ): Promise<Response> {
    if (credentials?.kind === "identity") {
      const body = new URLSearchParams({
        grant_type: "refresh_token",
        refresh_token: credentials.token,
        client_id: "capsule",
        ...parameters,
      });
      return await this.#send(url, { method: "POST", body });
    }
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    const headers: Record<string, string> = credentials
      ? { authorization: basic(credentials) }
      : {};
    return await this.#send(url, { headers });
  }
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${new TextEncoder().encode(`${username}:${password}`).toBase64()}`;
}

/** Returns the first message of a registry's error body, after a colon; empty without one. */
async function reasonOf(response: Response): Promise<string> {
  const body = await readJson(response, maxErrorBytes);
  const errors = isObject(body) ? body.errors : undefined;
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  return isObject(first) ? `: ${String(first.message ?? first.code ?? "")}` : "";
}

/** Reads a small JSON body; `undefined` for anything else. */
async function readJson(response: Response, maxBytes: number): Promise<unknown> {
  try {
    const bytes = await readFirstBytes(response, maxBytes);
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
