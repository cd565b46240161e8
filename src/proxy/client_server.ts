import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { ClientConnection, type Serve } from "./client_connection.ts";
import type { Clock } from "./http1/clock.ts";
import { Wire } from "./http1/wire.ts";
import type { Sender } from "./rewrite_head.ts";
import type { Timeouts } from "./timeouts.ts";

export interface ClientServerOptions {
  readonly listener: Deno.TcpListener | Deno.TlsListener;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  /** Whom requests from an address come from. */
  readonly sender: (address: string) => Sender;
  readonly serve: Serve;
  readonly log: Log;
}

/** Accepts clients, and serves each until its connection ends. */
export class ClientServer {
  readonly #options: ClientServerOptions;
  readonly #clients = new Set<ClientConnection>();
  #stopping = false;
  #empty = Promise.withResolvers<void>();

  constructor(options: ClientServerOptions) {
    this.#options = options;
    this.#accept();
  }

  /** Accepts nothing more, ends idle connections, gives requests under way `graceMs` to finish, and cuts what is left. */
  async stop(graceMs: number): Promise<void> {
    if (!this.#stopping) {
      this.#stopping = true;
      this.#options.listener.close();
      for (const client of this.#clients) client.stop();
    }
    if (this.#clients.size > 0 && graceMs > 0) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const grace = new Promise<void>((resolve) => timer = setTimeout(resolve, graceMs));
      await Promise.race([this.#empty.promise, grace]);
      clearTimeout(timer);
    }
    for (const client of this.#clients) client.wire.close();
    if (this.#clients.size > 0) await this.#empty.promise;
  }

  async #accept(): Promise<void> {
    for (;;) {
      let connection: Deno.TcpConn | Deno.TlsConn;
      try {
        connection = await this.#options.listener.accept();
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
    const { clock, sender, timeouts, serve, log } = this.#options;
    const wire = new Wire(connection, clock);
    const address = connection.remoteAddr.hostname.replace(/^::ffff:(?=\d+\.)/i, "");
    const client = new ClientConnection(wire, sender(address), timeouts);
    this.#clients.add(client);
    try {
      if ("setNoDelay" in connection) connection.setNoDelay(true);
      await client.run(serve);
    } catch (error) {
      const text = error instanceof Error ? error.stack ?? error.message : messageOf(error);
      log.error(`a connection was cut by a bug: ${text}`);
    } finally {
      wire.close();
      this.#clients.delete(client);
      if (this.#stopping && this.#clients.size === 0) this.#empty.resolve();
    }
  }
}
