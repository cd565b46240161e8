import { CapsuleError } from "../base/errors.ts";
import { bindHost, urlHost } from "../base/hosts.ts";
import { throttle } from "../base/throttle.ts";
import { type ClientTimeouts, Connections, type Handler } from "./connections.ts";
import { cannotListen, isOutOfFiles, outOfFiles } from "./listen_failure.ts";
import { readPem } from "./tls_files.ts";

export type { Handler };

/** Options of `listen`. */
export interface ListenOptions {
  handler: Handler;
  /** A name or address of this machine; `127.0.0.1` is reachable from this machine only. */
  host: string;
  /** 0 takes a free port, which `Listening.port` holds. */
  port: number;
  /** Paths of PEM files; the server speaks HTTPS (HTTP/1.1 and HTTP/2) if given. */
  tls?: { crt: string; key: string };
  /**
   * Shares the port between threads. `first` makes sure that no other program listens there, which
   * the system does not check for a shared port; `join` listens beside the first.
   */
  reusePort?: "first" | "join";
  /**
   * Makes the response when the handler throws, which is a bug: handlers turn errors into
   * responses.
   */
  onError: (error: unknown) => Response;
  /** Serves the connections in place of Deno. */
  connections?: OpenConnections;
  /**
   * Called at most once every 10 s while connections wait because the process may open no more
   * files.
   */
  onFull?: (message: string) => void;
  timeouts?: ClientTimeouts;
}

/** The open connections of a server. */
export interface OpenConnections extends Disposable {
  /** Serves a connection until it is closed. */
  serve(accepted: Deno.TcpConn | Deno.TlsConn): void;
  /** Closes every connection as soon as it has no request. */
  shutdown(): void;
  /** Closes every connection immediately. */
  cut(): void;
  /** Resolves when no connection is left. Nothing is served after the call. */
  empty(): Promise<void>;
}

/** A server that listens. */
export interface Listening {
  /** For example `http://127.0.0.1:8080`, without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /**
   * Resolves when the server has ended and all of its connections are closed.
   *
   * @throws CapsuleError `LISTEN` when the system no longer lets it accept connections.
   */
  readonly finished: Promise<void>;
  /**
   * Stops accepting, closes idle connections, and waits at most `graceMs` for running requests;
   * those still running are cut when the process exits. A first call with 0 cuts them immediately;
   * a later call with a shorter grace period replaces the earlier one.
   */
  stop(graceMs: number): Promise<void>;
}

/**
 * Listens on an address and serves it.
 *
 * @throws CapsuleError `LISTEN` when the address cannot be used, `TLS` when the certificate or its
 * key cannot.
 */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { host, port, tls, reusePort } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new CapsuleError(
      "LISTEN",
      `cannot listen on ${host}: a port is a number from 0 to 65535, got ${port}`,
    );
  }
  const pem = tls && await readPem(tls);
  const bind = { hostname: bindHost(host), port, reusePort: reusePort !== undefined };
  try {
    if (reusePort === "first" && port !== 0) {
      // With a shared port, another program would silently receive part of the connections.
      Deno.listen({ hostname: bind.hostname, port }).close();
    }
    const listener = pem
      ? Deno.listenTls({ ...bind, ...pem, alpnProtocols: ["h2", "http/1.1"] })
      : Deno.listen(bind);
    const server = new HttpServer(listener, options);
    // A plain object: callers spread it into their own.
    const { url, finished } = server;
    return { url, port: server.port, finished, stop: (graceMs) => server.stop(graceMs) };
  } catch (error) {
    throw cannotListen(options, error);
  }
}

/** How long to wait before accepting again when the process may open no more files. */
const fullPauseMs = 100;
const fullReportMs = 10_000;

class HttpServer {
  readonly url: string;
  readonly port: number;
  readonly finished: Promise<void>;
  readonly #listener: Deno.TcpListener | Deno.TlsListener;
  readonly #options: ListenOptions;
  readonly #connections: OpenConnections;
  /** Resolves when the grace period is over. */
  readonly #graceOver = Promise.withResolvers<void>();
  #graceTimer: ReturnType<typeof setTimeout> | undefined;
  #state: "serving" | "draining" | "cut" = "serving";

  constructor(listener: Deno.TcpListener | Deno.TlsListener, options: ListenOptions) {
    this.#listener = listener;
    this.#options = options;
    this.#connections = options.connections ?? new Connections(options);
    this.port = listener.addr.port;
    this.url = `${options.tls ? "https" : "http"}://${urlHost(options.host)}:${this.port}`;
    this.finished = this.#serve();
  }

  async stop(graceMs: number): Promise<void> {
    clearTimeout(this.#graceTimer);
    const isFirst = this.#state === "serving";
    if (isFirst) {
      this.#state = graceMs > 0 ? "draining" : "cut";
      this.#listener.close();
    }
    if (graceMs > 0) this.#graceTimer = setTimeout(this.#graceOver.resolve, graceMs);
    if (isFirst && graceMs > 0) this.#connections.shutdown();
    else if (isFirst) this.#connections.cut();
    else if (graceMs <= 0) this.#graceOver.resolve();
    // A failure is reported by `finished`.
    await Promise.race([this.finished.catch(() => {}), this.#graceOver.promise]);
    clearTimeout(this.#graceTimer);
  }

  async #serve(): Promise<void> {
    using connections = this.#connections;
    try {
      await this.#accept();
    } catch (error) {
      this.#listener.close();
      throw error;
    }
    await connections.empty();
  }

  async #accept(): Promise<void> {
    const { onFull } = this.#options;
    const mayReport = throttle(fullReportMs);
    while (this.#state === "serving") {
      try {
        this.#connections.serve(await this.#listener.accept());
      } catch (error) {
        if (this.#state !== "serving") return;
        if (isClientGone(error)) continue;
        if (!isOutOfFiles(error)) {
          throw cannotListen({ ...this.#options, port: this.port }, error);
        }
        if (mayReport()) onFull?.(`no connection is accepted on ${this.#address}: ${outOfFiles}`);
        await new Promise((resolve) => setTimeout(resolve, fullPauseMs));
      }
    }
  }

  get #address(): string {
    return `${urlHost(this.#options.host)}:${this.port}`;
  }
}

/** Reports whether the client closed its connection before it was accepted. */
function isClientGone(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.ConnectionReset;
}
