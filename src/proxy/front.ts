import type { Log } from "../base/log.ts";
import type { ClientConnection } from "./clients/client_connection.ts";
import { ClientServer } from "./clients/client_server.ts";
import { jsonFailure } from "./clients/local_response.ts";
import { forward } from "./forward/forward.ts";
import { Clock } from "./http1/clock.ts";
import type { RequestHead } from "./http1/request_head.ts";
import { defaultTimeouts } from "./timeouts.ts";
import { Targets } from "./upstreams/targets.ts";

export interface FrontOptions {
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** What stands behind it, for messages. */
  readonly function: string;
  readonly revision: string;
  /** Resolves with the URL of whatever serves, once that does; rejects when it never will. Asked for each request. */
  readonly upstream: () => Promise<string>;
  /** How long a request is held for it. */
  readonly holdMs: number;
  readonly log: Log;
}

/** How long an answer may take is for the upstream to say, and for the proxy that sends requests here. */
const timeouts = { ...defaultTimeouts, firstByteMs: 0, idleMs: 0 };
const rules = { maxFails: 0, failTimeoutMs: 1000 };

/**
 * A server before one upstream that is not always there: it holds each request until the upstream is. `X-Forwarded-…` are believed, since whoever comes
 * here could as well go there.
 */
export class Front {
  readonly port: number;
  /** How many have come. */
  requests = 0;
  readonly #options: FrontOptions;
  readonly #clock = new Clock(250);
  readonly #targets: Targets;
  readonly #server: ClientServer;
  #url = "";
  #underWay = 0;
  #lastMs = performance.now();

  /** @throws Deno.errors.AddrInUse */
  constructor(options: FrontOptions) {
    const { hostname, port, log } = options;
    this.#options = options;
    this.#targets = new Targets(
      { clock: this.#clock, connectMs: timeouts.connectMs, rules },
      "random",
    );
    const listener = Deno.listen({ hostname, port });
    this.port = listener.addr.port;
    this.#server = new ClientServer({
      listener,
      clock: this.#clock,
      timeouts,
      sender: (address) => ({ address, trusted: true, protocol: "http" }),
      serve: (request, client) => this.#answer(request, client),
      log,
    });
  }

  /** How long no request has been under way; 0 while one is. */
  idleMs(): number {
    return this.#underWay > 0 ? 0 : performance.now() - this.#lastMs;
  }

  /** Accepts nothing more, gives requests under way `graceMs` to finish, and cuts what is left. */
  async stop(graceMs: number): Promise<void> {
    await this.#server.stop(graceMs);
    this.#targets.close();
    this.#clock[Symbol.dispose]();
  }

  async #answer(request: RequestHead, client: ClientConnection): Promise<void> {
    this.requests++;
    this.#underWay++;
    try {
      const held = await this.#held();
      if (held.kind === "none") {
        const { function: name, revision } = this.#options;
        const message = `${revision} of ${name} ${held.why}`;
        const failure = jsonFailure(503, "ERROR_NOT_STARTED", message, {
          function: name,
          revision,
        });
        return await client.respond(failure, request);
      }
      await this.#forward(request, client, held.url);
    } finally {
      this.#underWay--;
      this.#lastMs = performance.now();
    }
  }

  async #forward(request: RequestHead, client: ClientConnection, url: string): Promise<void> {
    const { function: name, revision } = this.#options;
    if (url !== this.#url) {
      this.#url = url;
      const revisions = new Map([[revision, [{ url, weight: 1 }]]]);
      this.#targets.update(new Map([[name, { revisions }]]));
    }
    const mark = request.target.indexOf("?");
    const rest = mark < 0 ? request.target : request.target.slice(0, mark);
    const query = mark < 0 ? "" : request.target.slice(mark);
    const location = { kind: "function", name, revision, rest, query } as const;
    await forward(request, location, client, {
      targets: this.#targets,
      balance: "random",
      hashHeader: undefined,
    });
  }

  async #held(): Promise<{ kind: "there"; url: string } | { kind: "none"; why: string }> {
    const { upstream, holdMs } = this.#options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<undefined>((resolve) =>
      timer = setTimeout(() => resolve(undefined), holdMs)
    );
    try {
      const url = await Promise.race([upstream(), late]);
      if (url !== undefined) return { kind: "there", url };
      return { kind: "none", why: `did not start within ${holdMs / 1000} s` };
    } catch {
      return { kind: "none", why: "is stopped" };
    } finally {
      clearTimeout(timer);
    }
  }
}
