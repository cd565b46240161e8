import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { ClientConnection } from "./client_connection.ts";
import { forward } from "./forward.ts";
import { Clock } from "./http1/clock.ts";
import type { RequestHead } from "./http1/request_head.ts";
import { Wire } from "./http1/wire.ts";
import { jsonFailure } from "./local_response.ts";
import { Targets } from "./targets.ts";
import { defaultTimeouts } from "./timeouts.ts";

export interface FrontOptions {
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** What stands behind it, for messages. */
  readonly function: string;
  readonly revision: string;
  /** Resolves with the URL of whatever serves, once that does; asked for each request. */
  readonly upstream: () => Promise<string>;
  /** How long a request is held for it. */
  readonly holdMs: number;
  readonly log: Log;
}

/** The upstream's own limit holds, and the proxy's before this. */
const timeouts = { ...defaultTimeouts, firstByteMs: 0, idleMs: 0 };
const rules = { maxFails: 0, failTimeoutMs: 1000 };

/**
 * A server before one upstream that is not always there: it holds each request until the upstream is. Below it requests go as the proxy sends them, and
 * `X-Forwarded-…` are believed, since whoever comes here could as well go there.
 */
export class Front {
  readonly port: number;
  requests = 0;
  readonly #options: FrontOptions;
  readonly #clock = new Clock(250);
  readonly #targets: Targets;
  readonly #listener: Deno.TcpListener;
  readonly #clients = new Set<ClientConnection>();
  readonly #empty = Promise.withResolvers<void>();
  #url = "";
  #running = 0;
  #lastMs = performance.now();
  #stopping = false;

  /** @throws Deno.errors.AddrInUse */
  constructor(options: FrontOptions) {
    const { hostname, port } = options;
    this.#options = options;
    this.#targets = new Targets({ clock: this.#clock, connectMs: timeouts.connectMs, rules }, "random");
    this.#listener = Deno.listen({ hostname, port });
    this.port = this.#listener.addr.port;
    this.#accept();
  }

  /** How long no request has been under way; 0 while one is. */
  idleMs(): number {
    return this.#running > 0 ? 0 : performance.now() - this.#lastMs;
  }

  /** Accepts nothing more, gives requests under way `graceMs` to finish, and cuts what is left. */
  async stop(graceMs: number): Promise<void> {
    if (!this.#stopping) {
      this.#stopping = true;
      this.#listener.close();
      for (const client of this.#clients) client.stop();
    }
    if (this.#clients.size > 0 && graceMs > 0) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const grace = new Promise<void>((resolve) => timer = setTimeout(resolve, graceMs));
      await Promise.race([this.#empty.promise, grace]);
      clearTimeout(timer);
    }
    for (const client of this.#clients) client.wire.close();
    this.#targets.close();
    if (this.#clients.size > 0) await this.#empty.promise;
    this.#clock[Symbol.dispose]();
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) this.#serve(connection);
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const wire = new Wire(connection, this.#clock);
    const { hostname: address } = connection.remoteAddr;
    const client = new ClientConnection(wire, { address, trusted: true, protocol: "http" }, timeouts);
    this.#clients.add(client);
    try {
      connection.setNoDelay(true);
      await client.run((request) => this.#answer(request, client));
    } catch (error) {
      this.#options.log.error(`a connection was cut by a bug: ${messageOf(error)}`);
    } finally {
      wire.close();
      this.#clients.delete(client);
      if (this.#stopping && this.#clients.size === 0) this.#empty.resolve();
    }
  }

  async #answer(request: RequestHead, client: ClientConnection): Promise<void> {
    const { function: name, revision } = this.#options;
    this.requests++;
    this.#running++;
    try {
      const url = await this.#held();
      if (url === undefined) {
        const message = `${revision} of ${name} did not start within ${this.#options.holdMs / 1000} s`;
        const failure = jsonFailure(503, "ERROR_NOT_STARTED", message, { function: name, revision });
        return await client.respond(failure, request);
      }
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
    } finally {
      this.#running--;
      this.#lastMs = performance.now();
    }
  }

  /** The upstream's URL; `undefined` when there is none in time. */
  async #held(): Promise<string | undefined> {
    const { upstream, holdMs } = this.#options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<undefined>((resolve) => timer = setTimeout(() => resolve(undefined), holdMs));
    try {
      return await Promise.race([upstream().catch(() => undefined), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
