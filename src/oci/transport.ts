import { CapsuleError, fetchReason, messageOf } from "../base/errors.ts";
import { isLoopback } from "../base/hosts.ts";
import { readChallenge } from "./auth_challenge.ts";
import type { Credentials } from "./docker_credentials.ts";

/** How a registry is reached. */
export interface TransportOptions {
  host: string;
  /** Plain HTTP for a host that is not this machine. */
  insecure?: boolean;
  /** Asked for when the registry wants to see something, and not before. */
  credentials: () => Promise<Credentials | undefined>;
  signal?: AbortSignal;
  /** How long an answer may take to begin. */
  answerMs?: number;
}

/** The registry answered, and not what was hoped for. Code `REGISTRY`. */
export class RegistryAnswerError extends CapsuleError {
  readonly status: number;

  constructor(message: string, status: number) {
    super("REGISTRY", message);
    this.status = status;
  }
}

/** Where the registry of that host listens: a registry of this machine itself speaks plain HTTP. */
export function registryOrigin(
  { host, insecure }: Pick<TransportOptions, "host" | "insecure">,
): string {
  const name = host === "docker.io" ? "registry-1.docker.io" : host;
  return `${insecure || isLoopback(name.replace(/:\d+$/, "")) ? "http" : "https"}://${name}`;
}

/**
 * Requests to one registry: the right scheme, and what it wants to be shown. A registry names a server that gives tokens, or takes the password itself;
 * either is learnt from its first refusal.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export class OciTransport {
  readonly base: string;
  readonly #options: TransportOptions;
  #authorization: string | undefined;

  constructor(options: TransportOptions) {
    this.base = registryOrigin(options);
    this.#options = options;
  }

  /**
   * Sends a request and returns the answer, if its status is one of these.
   *
   * @throws RegistryAnswerError for another status; CapsuleError `DOWNLOAD` when there is no answer.
   */
  async request(path: string, init: RequestInit, wanted: readonly number[]): Promise<Response> {
    const url = new URL(path, this.base);
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
    if (wanted.includes(response.status)) return response;
    const { status } = response;
    const why = await reasonOf(response);
    const what = `${init.method ?? "GET"} ${url.host}${url.pathname}`;
    const hint = status !== 401
      ? ""
      : this.#authorization === undefined
      ? `; it was shown nothing: "docker login ${this.#options.host}" keeps what to show`
      : "; what it was shown is not enough";
    throw new RegistryAnswerError(`the registry answers ${status} to ${what}${why}${hint}`, status);
  }

  async #send(url: URL, init: RequestInit): Promise<Response> {
    const { signal, answerMs = 30_000 } = this.#options;
    const headers = new Headers(init.headers);
    // Another host, such as a store that uploads are sent to, is shown nothing.
    const own = url.origin === new URL(this.base).origin;
    const shown = headers.has("authorization") ? undefined : this.#authorization;
    if (own && shown !== undefined) headers.set("authorization", shown);
    const late = new AbortController();
    const timer = setTimeout(
      () => late.abort(new Error(`no answer for ${answerMs / 1000} s`)),
      answerMs,
    );
    try {
      const signals = [late.signal, ...(signal ? [signal] : [])];
      return await fetch(url, { ...init, headers, signal: AbortSignal.any(signals) });
    } catch (error) {
      signal?.throwIfAborted();
      const why = late.signal.aborted ? messageOf(late.signal.reason) : fetchReason(error);
      throw new CapsuleError("DOWNLOAD", `cannot reach the registry ${url.host}: ${why}`, {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** What to show after a refusal; `undefined` when there is nothing to show. */
  async #authorize(header: string): Promise<string | undefined> {
    const challenge = readChallenge(header);
    if (challenge === undefined) return undefined;
    const credentials = await this.#options.credentials();
    if (challenge.scheme === "basic") {
      return credentials?.kind === "password" ? basic(credentials) : undefined;
    }
    if (challenge.parameters.realm === undefined) return undefined;
    return `Bearer ${await this.#token(challenge.parameters, credentials)}`;
  }

  async #token(
    parameters: Readonly<Record<string, string>>,
    credentials: Credentials | undefined,
  ): Promise<string> {
    const { realm = "", service, scope } = parameters;
    const url = new URL(realm, this.base);
    if (
      url.protocol !== "https:" && credentials !== undefined &&
      url.origin !== new URL(this.base).origin
    ) {
      throw new CapsuleError(
        "CREDENTIALS",
        `the password is not sent to ${url.origin}, which is not encrypted`,
      );
    }
    const asked = {
      ...(service === undefined ? {} : { service }),
      ...(scope === undefined ? {} : { scope }),
    };
    let response: Response;
    if (credentials?.kind === "identity") {
      const form = {
        grant_type: "refresh_token",
        refresh_token: credentials.token,
        client_id: "capsule",
      };
      response = await this.#send(url, {
        method: "POST",
        body: new URLSearchParams({ ...form, ...asked }),
      });
    } else {
      for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
      const headers: Record<string, string> = credentials
        ? { authorization: basic(credentials) }
        : {};
      response = await this.#send(url, { headers });
    }
    if (!response.ok) {
      const why = await reasonOf(response);
      throw new RegistryAnswerError(
        `${url.host} gives no token: ${response.status}${why}`,
        response.status,
      );
    }
    const body: unknown = await response.json().catch(() => undefined);
    const token = typeof body === "object" && body !== null
      ? Reflect.get(body, "token") ?? Reflect.get(body, "access_token")
      : undefined;
    if (typeof token === "string" && token !== "") return token;
    throw new CapsuleError("DOWNLOAD", `${url.host} answers something else than a token`);
  }
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${new TextEncoder().encode(`${username}:${password}`).toBase64()}`;
}

/** The first message of the registry's error body, if it has one. */
async function reasonOf(response: Response): Promise<string> {
  try {
    const body: unknown = JSON.parse((await response.text()).slice(0, 10_000));
    const errors: unknown = typeof body === "object" && body !== null
      ? Reflect.get(body, "errors")
      : undefined;
    const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
    if (typeof first !== "object" || first === null) return "";
    return `: ${String(Reflect.get(first, "message") ?? Reflect.get(first, "code") ?? "")}`;
  } catch {
    return "";
  }
}
