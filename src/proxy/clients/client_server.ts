import { throttle } from "../../base/throttle.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { isOutOfFiles, outOfFiles } from "../../server/listen_failure.ts";
import type { TickClock } from "../../http1/tick_clock.ts";
import { type Socket, Wire } from "../../http1/wire.ts";
import type { ProxyTimeouts } from "../timeouts.ts";
import { ClientConnection, type Serve } from "../../http1/client_connection.ts";
import type { ClientInfo } from "../../http1/client_connection.ts";
import type { TlsSocket } from "./tls_socket.ts";

export interface ClientServerOptions {
  readonly listener: Deno.TcpListener;
  /** The certificate and its key as PEM text, for TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly clock: TickClock;
  readonly timeouts: ProxyTimeouts;
  /** Returns what is known of a client by its address. */
  readonly identify: (address: string) => ClientInfo;
  readonly serve: Serve;
  readonly log: Log;
}

/** When the process is out of files, one in this many connections is closed. */
const roomShare = 8;
/** The pause after a failed `accept`, and the shortest time between two log lines about it. */
const pauseMs = 100;
const logAgainMs = 10_000;

/** Accepts connections and serves each until it ends. */
export class ClientServer {
  readonly #options: ClientServerOptions;
  readonly #clients = new Set<ClientConnection>();
  /** Connections whose TLS handshake is under way. */
  readonly #handshaking = new Set<Socket>();
  #secure: Promise<(plain: Deno.TcpConn) => TlsSocket> | undefined;
  #stopping = false;
  readonly #mayLog = throttle(logAgainMs);
  #empty = Promise.withResolvers<void>();

  constructor(options: ClientServerOptions) {
    this.#options = options;
    this.#accept();
  }

  /** Closes the listener and idle connections; cuts requests that take longer than `graceMs`. */
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
    for (const socket of this.#handshaking) socket.close();
    if (this.#clients.size > 0) await this.#empty.promise;
  }

  async #accept(): Promise<void> {
    for (;;) {
      let connection: Deno.TcpConn;
      try {
        connection = await this.#options.listener.accept();
      } catch (error) {
        if (this.#stopping) return;
        // Out of files, or the client closed its connection before it was accepted.
        if (isOutOfFiles(error)) this.makeRoom();
        this.#logFailure(error);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        continue;
      }
      this.#serve(connection);
    }
  }

  /** Closes the oldest idle connections, as the process is out of files; reports if it did. */
  makeRoom(): boolean {
    const idle = Array.from(this.#clients).filter((client) => client.idle);
    for (const client of idle.slice(0, Math.ceil(this.#clients.size / roomShare))) {
      client.wire.close();
    }
    return idle.length > 0;
  }

  #logFailure(error: unknown): void {
    if (!this.#mayLog()) return;
    const reason = isOutOfFiles(error) ? outOfFiles : messageOf(error);
    this.#options.log.warn(`cannot accept a connection: ${reason}`);
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const { clock, identify, timeouts, serve, log } = this.#options;
    connection.setNoDelay(true);
    const socket = await this.#open(connection);
    if (socket === undefined) return;
    const wire = new Wire(socket, clock);
    const address = connection.remoteAddr.hostname.replace(/^::ffff:(?=\d+\.)/i, "");
    const client = new ClientConnection(wire, identify(address), timeouts);
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

  /** Returns the connection, after its TLS handshake; undefined if that fails or is late. */
  async #open(plain: Deno.TcpConn): Promise<Socket | undefined> {
    const { tls, timeouts } = this.#options;
    if (tls === undefined) return plain;
    const secure = await (this.#secure ??= secureWith(tls));
    const socket = secure(plain);
    this.#handshaking.add(socket);
    try {
      await socket.handshake(timeouts.headMs);
      if (!this.#stopping) return socket;
    } catch {
      // The client does not speak TLS, so that no response can be sent.
    } finally {
      this.#handshaking.delete(socket);
    }
    socket.close();
    return undefined;
  }
}

/** Loads the TLS server, which only `-crt` needs. */
async function secureWith(
  tls: { cert: string; key: string },
): Promise<(plain: Deno.TcpConn) => TlsSocket> {
  const { createSecureContext, TlsSocket } = await import("./tls_socket.ts");
  const context = createSecureContext(tls);
  return (plain) => new TlsSocket(plain, context);
}
