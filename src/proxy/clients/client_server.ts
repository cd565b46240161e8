import { throttle } from "../../base/throttle.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { isOutOfFiles, outOfFiles } from "../../server/listen_failure.ts";
import type { TickClock } from "../../http1/tick_clock.ts";
import type { Socket } from "../../http1/wire.ts";
import type { ProxyTimeouts } from "../timeouts.ts";
import type { ClientInfo, Serve } from "../../http1/client_connection.ts";
import { ClientConnections } from "../../http1/client_connections.ts";
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

/** The pause after a failed `accept`, and the shortest time between two log lines about it. */
const pauseMs = 100;
const logAgainMs = 10_000;

/** Accepts connections and serves each until it ends. */
export class ClientServer {
  readonly #options: ClientServerOptions;
  readonly #clients: ClientConnections;
  /** Connections whose TLS handshake is under way. */
  readonly #handshaking = new Set<Socket>();
  #secure: Promise<(plain: Deno.TcpConn) => TlsSocket> | undefined;
  #stopping = false;
  readonly #mayLog = throttle(logAgainMs);

  constructor(options: ClientServerOptions) {
    this.#options = options;
    this.#clients = new ClientConnections(options);
    this.#accept();
  }

  /** Closes the listener and idle connections; cuts requests that take longer than `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    if (!this.#stopping) {
      this.#stopping = true;
      this.#options.listener.close();
      this.#clients.shutdown();
    }
    const empty = this.#clients.empty();
    if (this.#clients.size > 0 && graceMs > 0) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const grace = new Promise<void>((resolve) => timer = setTimeout(resolve, graceMs));
      await Promise.race([empty, grace]);
      clearTimeout(timer);
    }
    this.#clients.cut();
    for (const socket of this.#handshaking) socket.close();
    await empty;
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
    return this.#clients.makeRoom();
  }

  #logFailure(error: unknown): void {
    if (!this.#mayLog()) return;
    const reason = isOutOfFiles(error) ? outOfFiles : messageOf(error);
    this.#options.log.warn(`cannot accept a connection: ${reason}`);
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    connection.setNoDelay(true);
    const socket = await this.#open(connection);
    if (socket === undefined) return;
    const address = connection.remoteAddr.hostname.replace(/^::ffff:(?=\d+\.)/i, "");
    await this.#clients.serve(socket, this.#options.identify(address));
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
