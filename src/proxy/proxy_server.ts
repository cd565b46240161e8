import type { Log } from "../base/log.ts";
import { bindHost, urlHost } from "../base/hosts.ts";
import { cannotListen } from "../server/listen_failure.ts";
import { serveAdmin } from "./admin/serve_admin.ts";
import { type AddressRange, isInside } from "./clients/address_ranges.ts";
import type { ClientConnection } from "./clients/client_connection.ts";
import { ClientServer } from "./clients/client_server.ts";
import { jsonFailure } from "./clients/local_response.ts";
import type { Sender } from "./clients/sender.ts";
import { forward } from "./forward/forward.ts";
import { locate } from "./forward/locate.ts";
import { Clock } from "./http1/clock.ts";
import type { RequestHead } from "./http1/request_head.ts";
import type { Routes } from "./routes/routes.ts";
import type { Timeouts } from "./timeouts.ts";
import type { Balance } from "./upstreams/choose.ts";
import type { HealthRules } from "./upstreams/health.ts";
import { Targets } from "./upstreams/targets.ts";

export interface ProxyOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Certificate and key as PEM text. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly timeouts: Timeouts;
  readonly balance: Balance;
  readonly hashHeader?: string;
  readonly rules: HealthRules;
  /** Whose `X-Forwarded-…` are believed. */
  readonly trustedProxies: readonly AddressRange[];
  /** The admin interface: the first segment of its paths, and who answers them. */
  readonly admin?: {
    readonly root: string;
    readonly handler: (request: Request) => Response | Promise<Response>;
  };
  readonly log: Log;
}

/**
 * The proxy: an HTTP/1.1 server and client of its own over the runtime's sockets, since no server of the runtime refuses all that a proxy
 * must, nor passes on all that it must (`http1/`).
 */
export class ProxyServer {
  readonly url: string;
  readonly port: number;
  readonly finished: Promise<void>;
  readonly targets: Targets;
  readonly #options: ProxyOptions;
  readonly #clock: Clock;
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
    this.#clock = new Clock(Math.max(10, Math.min(250, shortest / 4)));
    const onHealth = (sentence: string) => options.log.warn(sentence);
    this.targets = new Targets(
      {
        clock: this.#clock,
        connectMs: timeouts.connectMs,
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
      sender: (address) => this.#sender(address),
      serve: (request, client) => this.#answer(request, client),
      log: options.log,
    });
  }

  /** From the next request on these routes hold. */
  update(routes: Routes): void {
    this.targets.update(routes);
  }

  /** Accepts nothing more, ends idle connections, gives requests under way `graceMs` to finish, and cuts what is left. */
  async stop(graceMs: number): Promise<void> {
    await this.#server.stop(graceMs);
    this.targets.close();
    this.#clock[Symbol.dispose]();
    this.#end.resolve();
  }

  async #answer(request: RequestHead, client: ClientConnection): Promise<void> {
    const { admin, balance, hashHeader } = this.#options;
    const location = locate(request.target, admin?.root);
    if (location.kind === "function") {
      await forward(request, location, client, { targets: this.targets, balance, hashHeader });
    } else if (location.kind === "admin" && admin) await serveAdmin(request, client, admin.handler);
    else {
      const message = `no page for ${request.method} ${request.target.split("?")[0]}`;
      await client.respond(jsonFailure(404, "PAGE_NOT_FOUND", message), request);
    }
  }

  #sender(address: string): Sender {
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
