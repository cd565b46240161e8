import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { ClientConnection, type ClientInfo, type Serve } from "./client_connection.ts";
import type { TickClock } from "./tick_clock.ts";
import type { ConnectionTimeouts } from "./timeouts.ts";
import { type Socket, Wire } from "./wire.ts";

/** Options of `ClientConnections`. */
export interface ClientConnectionsOptions {
  readonly clock: TickClock;
  readonly timeouts: ConnectionTimeouts;
  readonly serve: Serve;
  readonly log: Log;
}

/** When the process is out of files, one in this many connections is closed. */
const roomShare = 8;

/** The open connections of clients. */
export class ClientConnections {
  readonly #options: ClientConnectionsOptions;
  readonly #clients = new Set<ClientConnection>();
  readonly #empty = Promise.withResolvers<void>();
  #isStopping = false;

  constructor(options: ClientConnectionsOptions) {
    this.#options = options;
  }

  /** The number of open connections. */
  get size(): number {
    return this.#clients.size;
  }

  /** Serves a connection until it ends. Never rejects. */
  async serve(socket: Socket, info: ClientInfo): Promise<void> {
    const { clock, timeouts, serve, log } = this.#options;
    const client = new ClientConnection(new Wire(socket, clock), info, timeouts);
    this.#clients.add(client);
    if (this.#isStopping) client.stop();
    try {
      await client.run(serve);
    } catch (error) {
      const text = error instanceof Error ? error.stack ?? error.message : messageOf(error);
      log.error(`a connection was cut by a bug: ${text}`);
    } finally {
      this.#clients.delete(client);
      if (this.#isStopping && this.#clients.size === 0) this.#empty.resolve();
    }
  }

  /** Closes every connection as soon as it has no request. */
  shutdown(): void {
    this.#isStopping = true;
    for (const client of this.#clients) client.stop();
  }

  /** Closes every connection immediately. */
  cut(): void {
    this.#isStopping = true;
    for (const client of this.#clients) client.wire.close();
  }

  /** Resolves when no connection is left after `shutdown` or `cut`. */
  empty(): Promise<void> {
    if (this.#clients.size === 0) this.#empty.resolve();
    return this.#empty.promise;
  }

  /** Closes the oldest idle connections, as the process is out of files; reports if it did. */
  makeRoom(): boolean {
    const idle = Array.from(this.#clients).filter((client) => client.idle);
    for (const client of idle.slice(0, Math.ceil(this.#clients.size / roomShare))) {
      client.wire.close();
    }
    return idle.length > 0;
  }
}
