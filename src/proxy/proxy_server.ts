import { CapsuleError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { urlHost } from "../server/listen.ts";
import { type AddressRange, isInside } from "./address_ranges.ts";
import type { Balance } from "./choose.ts";
import { ClientConnection } from "./client_connection.ts";
import { forward } from "./forward.ts";
import type { HealthRules } from "./health.ts";
import { Clock } from "./http1/clock.ts";
import type { RequestHead } from "./http1/request_head.ts";
import { Wire } from "./http1/wire.ts";
import { jsonFailure } from "./local_response.ts";
import { locate } from "./locate.ts";
import type { Sender } from "./rewrite_head.ts";
import type { Routes } from "./routes.ts";
import { serveAdmin } from "./serve_admin.ts";
import { Targets } from "./targets.ts";
import type { Timeouts } from "./timeouts.ts";

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
  readonly #listener: Deno.TcpListener | Deno.TlsListener;
  readonly #clients = new Set<ClientConnection>();
  #stopping = false;
  #empty = Promise.withResolvers<void>();
  readonly #end = Promise.withResolvers<void>();

  /** @throws CapsuleError `LISTEN`, `TLS` */
  constructor(options: ProxyOptions) {
    const { host, port, tls, timeouts, balance, rules } = options;
    this.#options = options;
    this.#listener = listen(host, port, tls);
    this.port = this.#listener.addr.port;
    this.url = `${tls ? "https" : "http"}://${urlHost(host)}:${this.port}`;
    const shortest = Math.min(...[...Object.values(timeouts), rules.failTimeoutMs].filter((ms) => ms > 0));
    this.#clock = new Clock(Math.max(10, Math.min(250, shortest / 4)));
    const onHealth = (sentence: string) => options.log.warn(sentence);
    this.targets = new Targets(
      { clock: this.#clock, connectMs: timeouts.connectMs, rules, onHealth },
      balance,
    );
    this.finished = this.#end.promise;
    this.#accept();
  }

  /** From the next request on these routes hold. */
  update(routes: Routes): void {
    this.targets.update(routes);
  }

  /** Accepts nothing more, ends idle connections, gives requests under way `graceMs` to finish, and cuts what is left. */
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
    this.targets.close();
    if (this.#clients.size > 0) await this.#empty.promise;
    this.#clock[Symbol.dispose]();
    this.#end.resolve();
  }

  async #accept(): Promise<void> {
    for (;;) {
      let connection: Deno.TcpConn | Deno.TlsConn;
      try {
        connection = await this.#listener.accept();
      } catch (error) {
        if (this.#stopping) return;
        // Out of descriptors, or a client that was gone before it was there: the next may be better.
        this.#options.log.warn(`cannot accept a connection: ${messageOf(error)}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
        continue;
      }
      this.#serve(connection);
    }
  }

  async #serve(connection: Deno.TcpConn | Deno.TlsConn): Promise<void> {
    const wire = new Wire(connection, this.#clock);
    const client = new ClientConnection(wire, this.#sender(connection.remoteAddr), this.#options.timeouts);
    this.#clients.add(client);
    try {
      if ("setNoDelay" in connection) connection.setNoDelay(true);
      await client.run((request) => this.#answer(request, client));
    } catch (error) {
      const text = error instanceof Error ? error.stack ?? error.message : messageOf(error);
      this.#options.log.error(`a connection was cut by a bug: ${text}`);
    } finally {
      wire.close();
      this.#clients.delete(client);
      if (this.#stopping && this.#clients.size === 0) this.#empty.resolve();
    }
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

  #sender({ hostname }: Deno.NetAddr): Sender {
    const address = hostname.replace(/^::ffff:(?=\d+\.)/i, "");
    const { trustedProxies, tls } = this.#options;
    return { address, trusted: isInside(address, trustedProxies), protocol: tls ? "https" : "http" };
  }
}

function listen(host: string, port: number, tls: ProxyOptions["tls"]): Deno.TcpListener | Deno.TlsListener {
  const hostname = host.replace(/^\[(.*)\]$/, "$1");
  try {
    return tls ? Deno.listenTls({ hostname, port, ...tls }) : Deno.listen({ hostname, port });
  } catch (error) {
    const isTls = tls !== undefined && error instanceof Deno.errors.InvalidData;
    if (isTls) {
      throw new CapsuleError("TLS", `cannot use -crt with -key: ${messageOf(error)}`, { cause: error });
    }
    const reason = error instanceof Deno.errors.AddrInUse
      ? "another program listens there already (choose another -httpPort, 0 for a free one)"
      : messageOf(error);
    throw new CapsuleError("LISTEN", `cannot listen on ${urlHost(host)}:${port}: ${reason}`, {
      cause: error,
    });
  }
}
