import type { Log } from "../base/log.ts";
import { bindHost, urlHost } from "../base/hosts.ts";
import { cannotListen } from "../server/listen_failure.ts";
import { serveAdmin } from "./admin/serve_admin.ts";
import { type AddressRange, isInside } from "./clients/address_ranges.ts";
import type { ClientConnection, ClientInfo } from "../http1/client_connection.ts";
import { ClientServer } from "./clients/client_server.ts";
import { jsonFailure } from "../http1/local_response.ts";
import { forward } from "./forward/forward.ts";
import { locate } from "./forward/locate.ts";
import type { RequestHead } from "../http1/request_head.ts";
import { TickClock } from "../http1/tick_clock.ts";
import type { Routes } from "./routes/routes.ts";
import type { ProxyTimeouts } from "./timeouts.ts";
import type { Balance } from "./upstreams/choose.ts";
import type { HealthRules } from "./upstreams/health.ts";
import { RoutingTable } from "./upstreams/routing_table.ts";

/** Options of `ProxyServer`. */
export interface ProxyOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** The certificate and its key as PEM text. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly timeouts: ProxyTimeouts;
  readonly balance: Balance;
  /** The header, in lower case, that `hash` uses; the client's address if undefined. */
  readonly hashHeader?: string;
  readonly rules: HealthRules;
  /** The proxies whose `X-Forwarded-…` headers are trusted. */
  readonly trustedProxies: readonly AddressRange[];
  /** The admin interface and the first segment of its paths. */
  readonly admin?: {
    readonly root: string;
    readonly handler: (request: Request) => Response | Promise<Response>;
  };
  readonly log: Log;
}

/** The reverse proxy: an HTTP/1.1 server and client over the runtime's sockets. */
export class ProxyServer {
  readonly url: string;
  readonly port: number;
  readonly finished: Promise<void>;
  readonly routing: RoutingTable;
  readonly #options: ProxyOptions;
  readonly #clock: TickClock;
  readonly #server: ClientServer;
  readonly #end = Promise.withResolvers<void>();

  /** @throws CapsuleError `LISTEN` */
  constructor(options: ProxyOptions) {
    const { host, port, tls, timeouts, balance, rules } = options;
    this.#options = options;
    const listener = listen(host, port);
    this.port = listener.addr.port;
    this.url = `${tls ? "https" : "http"}://${urlHost(host)}:${this.port}`;
    const shortest = Math.min(
      ...[...Object.values(timeouts), rules.failTimeoutMs].filter((ms) => ms > 0),
    );
    this.#clock = new TickClock(Math.max(10, Math.min(250, shortest / 4)));
    const onHealth = (sentence: string) => options.log.warn(sentence);
    this.routing = new RoutingTable(
      {
        clock: this.#clock,
        connectMs: timeouts.connectMs,
        firstByteMs: timeouts.firstByteMs,
        rules,
        onHealth,
        makeRoom: () => this.#server.makeRoom(),
      },
      balance,
    );
    this.finished = this.#end.promise;
    this.#server = new ClientServer({
      listener,
      tls,
      clock: this.#clock,
      timeouts,
      identify: (address) => this.#identify(address),
      serve: (request, client) => this.#serve(request, client),
      log: options.log,
    });
  }

  /** Replaces the routes for all requests from now on. */
  update(routes: Routes): void {
    this.routing.update(routes);
  }

  /** Closes the listener and idle connections; cuts requests that take longer than `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    await this.#server.stop(graceMs);
    this.routing.close();
    this.#clock[Symbol.dispose]();
    this.#end.resolve();
  }

  async #serve(request: RequestHead, client: ClientConnection): Promise<void> {
    const { admin, balance, hashHeader } = this.#options;
    const location = locate(request.target, admin?.root);
    if (location.kind === "function") {
      await forward(request, location, client, { routing: this.routing, balance, hashHeader });
    } else if (location.kind === "admin" && admin) await serveAdmin(request, client, admin.handler);
    else {
      const message = `no page for ${request.method} ${request.target.split("?")[0]}`;
      await client.respond(jsonFailure(404, "PAGE_NOT_FOUND", message), request);
    }
  }

  #identify(address: string): ClientInfo {
    const { trustedProxies, tls } = this.#options;
    return {
      address,
      trusted: isInside(address, trustedProxies),
      protocol: tls ? "https" : "http",
    };
  }
}

function listen(host: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname: bindHost(host), port });
  } catch (error) {
    throw cannotListen({ host, port }, error);
  }
}
