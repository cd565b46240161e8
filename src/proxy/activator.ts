import { deadline, DeadlineError } from "../base/deadline.ts";
import type { Log } from "../base/log.ts";
import type { ClientConnection } from "../http1/client_connection.ts";
import { ClientServer } from "./clients/client_server.ts";
import { jsonFailure } from "../http1/local_response.ts";
import { forward } from "./forward/forward.ts";
import type { RequestHead } from "../http1/request_head.ts";
import { TickClock } from "../http1/tick_clock.ts";
import { defaultProxyTimeouts } from "./timeouts.ts";
import { RoutingTable } from "./upstreams/routing_table.ts";

/** Options of `Activator`. */
export interface ActivatorOptions {
  readonly hostname: string;
  /** 0 for any free port. */
  readonly port: number;
  /** The function behind it, for messages. */
  readonly function: string;
  readonly revision: string;
  /**
   * Resolves with the URL of the running instance; rejects if it will not start. Called for each
   * request.
   */
  readonly upstream: () => Promise<string>;
  /** The longest time to hold a request. */
  readonly holdMs: number;
  readonly log: Log;
}

/** The upstream and the proxy in front limit the time of a response. */
const timeouts = { ...defaultProxyTimeouts, firstByteMs: 0, idleMs: 0 };
const rules = { maxFails: 0, failTimeoutMs: 1000 };

/**
 * A proxy for one instance that may be asleep (scaled to zero): it holds each request until the
 * instance runs. `X-Forwarded-…` headers are trusted, as its clients could reach the instance, too.
 */
export class Activator {
  readonly port: number;
  readonly #options: ActivatorOptions;
  readonly #clock = new TickClock(250);
  readonly #routing: RoutingTable;
  readonly #server: ClientServer;
  #requests = 0;
  #url = "";
  #running = 0;
  #lastMs = performance.now();

  /** @throws Deno.errors.AddrInUse */
  constructor(options: ActivatorOptions) {
    const { hostname, port, log } = options;
    this.#options = options;
    this.#routing = new RoutingTable(
      { ...timeouts, clock: this.#clock, rules },
      "random",
    );
    const listener = Deno.listen({ hostname, port });
    this.port = listener.addr.port;
    this.#server = new ClientServer({
      listener,
      clock: this.#clock,
      timeouts,
      identify: (address) => ({ address, trusted: true, protocol: "http" }),
      serve: (request, client) => this.#serve(request, client),
      log,
    });
  }

  /** The number of requests so far. */
  get requests(): number {
    return this.#requests;
  }

  /** Returns how long no request has been under way; 0 while one is. */
  idleMs(): number {
    return this.#running > 0 ? 0 : performance.now() - this.#lastMs;
  }

  /** Closes the listener and idle connections; cuts requests that take longer than `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    await this.#server.stop(graceMs);
    this.#routing.close();
    this.#clock[Symbol.dispose]();
  }

  async #serve(request: RequestHead, client: ClientConnection): Promise<void> {
    this.#requests++;
    this.#running++;
    try {
      const awaited = await this.#awaitUpstream();
      if (awaited.kind === "unavailable") {
        const { function: name, revision } = this.#options;
        const message = `${revision} of ${name} ${awaited.why}`;
        const failure = jsonFailure(503, "ERROR_NOT_STARTED", message, {
          function: name,
          revision,
        });
        return await client.respond(failure, request);
      }
      await this.#forward(request, client, awaited.url);
    } finally {
      this.#running--;
      this.#lastMs = performance.now();
    }
  }

  async #forward(request: RequestHead, client: ClientConnection, url: string): Promise<void> {
    const { function: name, revision } = this.#options;
    if (url !== this.#url) {
      this.#url = url;
      const revisions = new Map([[revision, [{ url, weight: 1 }]]]);
      this.#routing.update(new Map([[name, { revisions }]]));
    }
    const mark = request.target.indexOf("?");
    const rest = mark < 0 ? request.target : request.target.slice(0, mark);
    const query = mark < 0 ? "" : request.target.slice(mark);
    const location = { kind: "function", name, revision, rest, query } as const;
    await forward(request, location, client, {
      routing: this.#routing,
      balance: "random",
      hashHeader: undefined,
    });
  }

  async #awaitUpstream(): Promise<
    { kind: "running"; url: string } | { kind: "unavailable"; why: string }
  > {
    const { upstream, holdMs } = this.#options;
    try {
      return { kind: "running", url: await deadline(upstream(), holdMs) };
    } catch (error) {
      const isLate = error instanceof DeadlineError;
      const why = isLate ? `did not start within ${holdMs / 1000} s` : "is stopped";
      return { kind: "unavailable", why };
    }
  }
}
