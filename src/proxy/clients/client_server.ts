import { throttle } from "../../base/throttle.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { isOutOfFiles, outOfFiles } from "../../server/listen_failure.ts";
import type { Clock } from "../http1/clock.ts";
import { type Socket, Wire } from "../http1/wire.ts";
import type { Timeouts } from "../timeouts.ts";
import { ClientConnection, type Serve } from "./client_connection.ts";
import type { Sender } from "./sender.ts";
import type { TlsSocket } from "./tls_socket.ts";

export interface ClientServerOptions {
  readonly listener: Deno.TcpListener;
  /** Certificate and key as PEM text, where clients speak TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  /** Whom requests from an address come from. */
  readonly sender: (address: string) => Sender;
  readonly serve: Serve;
  readonly log: Log;
}

/** Of the connections that there are, one in so many makes room at once. */
const roomShare = 8;
/** How long a failed `accept` waits, and how often it is told. */
const pauseMs = 100;
const tellAgainMs = 10_000;

/** Accepts clients, and serves each until its connection ends. */
export class ClientServer {
  readonly #options: ClientServerOptions;
  readonly #clients = new Set<ClientConnection>();
  /** Connections whose keys are not agreed yet. */
  readonly #shaking = new Set<Socket>();
  #secure: Promise<(plain: Deno.TcpConn) => TlsSocket> | undefined;
  #stopping = false;
  readonly #mayTell = throttle(tellAgainMs);
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
    for (const socket of this.#shaking) socket.close();
    if (this.#clients.size > 0) await this.#empty.promise;
  }

  async #accept(): Promise<void> {
    for (;;) {
      let connection: Deno.TcpConn;
      try {
        connection = await this.#options.listener.accept();
      } catch (error) {
        if (this.#stopping) return;
        // Out of files, or a client that was gone before it was there: the next may be better.
        if (isOutOfFiles(error)) this.makeRoom();
        this.#tell(error);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        continue;
      }
      this.#serve(connection);
    }
  }

  /** The process may open no more files: the oldest connections that wait for a request end. Returns whether any did. */
  makeRoom(): boolean {
    const idle = Array.from(this.#clients).filter((client) => client.idle);
    for (const client of idle.slice(0, Math.ceil(this.#clients.size / roomShare))) {
      client.wire.close();
    }
    return idle.length > 0;
  }

  #tell(error: unknown): void {
    if (!this.#mayTell()) return;
    const reason = isOutOfFiles(error) ? outOfFiles : messageOf(error);
    this.#options.log.warn(`cannot accept a connection: ${reason}`);
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const { clock, sender, timeouts, serve, log } = this.#options;
    connection.setNoDelay(true);
    const socket = await this.#open(connection);
    if (socket === undefined) return;
    const wire = new Wire(socket, clock);
    const address = connection.remoteAddr.hostname.replace(/^::ffff:(?=\d+\.)/i, "");
    const client = new ClientConnection(wire, sender(address), timeouts);
    this.#clients.add(client);
    try {
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

  /** Over TLS, the connection when the keys are agreed; `undefined` when its client does not get that far in the time for a head. */
  async #open(plain: Deno.TcpConn): Promise<Socket | undefined> {
    const { tls, timeouts } = this.#options;
    if (tls === undefined) return plain;
    const secure = await (this.#secure ??= secureWith(tls));
    const socket = secure(plain);
    this.#shaking.add(socket);
    try {
      await socket.handshake(timeouts.headMs);
      if (!this.#stopping) return socket;
    } catch {
      // Whoever speaks no TLS is not told so in TLS.
    } finally {
      this.#shaking.delete(socket);
    }
    socket.close();
    return undefined;
  }
}

/** Loads what only TLS needs. */
async function secureWith(
  tls: { cert: string; key: string },
): Promise<(plain: Deno.TcpConn) => TlsSocket> {
  const { createSecureContext, TlsSocket } = await import("./tls_socket.ts");
  const context = createSecureContext(tls);
  return (plain) => new TlsSocket(plain, context);
}
