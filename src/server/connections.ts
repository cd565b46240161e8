import { type Timer, unref } from "../base/timers.ts";
import { checkBodyTimeouts } from "./body_timeout.ts";
import { type ConnectionServer, serveConnection } from "./deno_connection.ts";
import { UnfinishedBodyError } from "./unfinished_body.ts";

/** A handler of requests. It must read or drain every body (see `readBody`). */
export type Handler = Deno.ServeHandler<Deno.NetAddr>;

/** Timeouts of a client's requests. */
export interface ClientTimeouts {
  /** From accepting a connection to the end of its first request head. */
  readonly headMs: number;
  /** From one request on a connection to the end of the next one's head. */
  readonly keepAliveMs: number;
}

/** Timeouts equal to those of the reverse proxy. */
const defaultClientTimeouts: ClientTimeouts = { headMs: 10_000, keepAliveMs: 75_000 };

interface Connection {
  readonly server: ConnectionServer;
  readonly cut: AbortController;
  /** Counts requests. Hot path: no clock is read (bench: `throughput`). */
  requests: number;
  /** The count at the last check. */
  checked: number;
  /** The time of the last check that saw a new request. */
  sinceMs: number;
  isClosing: boolean;
}

/** The open connections of a server, and the limits on how long they may wait for a request. */
export class Connections implements Disposable {
  readonly #handler: Handler;
  readonly #onError: (error: unknown) => Response;
  readonly #timeouts: ClientTimeouts;
  readonly #open = new Set<Connection>();
  readonly #timer: Timer;
  #onEmpty: (() => void) | undefined;

  constructor(
    { handler, onError, timeouts = defaultClientTimeouts }: {
      handler: Handler;
      onError: (error: unknown) => Response;
      timeouts?: ClientTimeouts;
    },
  ) {
    this.#handler = handler;
    this.#onError = onError;
    this.#timeouts = timeouts;
    this.#timer = unref(setInterval(() => this.#check(), Math.min(1000, timeouts.headMs / 2)));
  }

  /** Closes every connection as soon as it has no request. */
  shutdown(): void {
    for (const connection of this.#open) shutDown(connection);
  }

  /** Closes every connection immediately, except for those that are being shut down. */
  cut(): void {
    for (const connection of this.#open) cutOff(connection);
  }

  /** Resolves when no connection is left. Nothing may be served after the call. */
  empty(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
      if (this.#open.size === 0) resolve();
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** Serves a connection until it is closed. */
  serve(accepted: Deno.Conn): void {
    const cut = new AbortController();
    const server = serveConnection(accepted, {
      handler: counting(this.#handler, () => connection.requests++),
      onError: (error) => {
        if (!(error instanceof UnfinishedBodyError)) return this.#onError(error);
        // Over TLS it may carry other requests, by HTTP/2.
        if (!("handshake" in accepted)) cutOff(connection);
        return new Response(null, { status: 500 });
      },
      cut: cut.signal,
    });
    const sinceMs = performance.now();
    const connection = { server, cut, requests: 0, checked: 0, sinceMs, isClosing: false };
    this.#open.add(connection);
    const ended = () => {
      this.#open.delete(connection);
      if (this.#open.size === 0) this.#onEmpty?.();
    };
    // It rejects when the client resets the connection.
    server.finished.then(ended, ended);
  }

  #check(): void {
    checkBodyTimeouts();
    const { headMs, keepAliveMs } = this.#timeouts;
    const nowMs = performance.now();
    for (const connection of this.#open) {
      const { requests, checked, sinceMs } = connection;
      if (requests !== checked) {
        connection.checked = requests;
        connection.sinceMs = nowMs;
      } else if (requests === 0) {
        // Not `shutDown`, which waits for a TLS handshake and for the head of an HTTP/2 request.
        if (nowMs - sinceMs >= headMs) cutOff(connection);
      } else if (nowMs - sinceMs >= keepAliveMs) shutDown(connection);
    }
  }
}

/** Calls `count` for each request. Deno spends less on a handler with one parameter. */
function counting(handler: Handler, count: () => void): Handler {
  if (handler.length > 1) {
    return (request, info) => {
      count();
      return handler(request, info);
    };
  }
  const simple = handler as (request: Request) => ReturnType<Handler>;
  return (request) => {
    count();
    return simple(request);
  };
}

function shutDown(connection: Connection): void {
  if (connection.isClosing) return;
  connection.isClosing = true;
  connection.server.shutdown().catch(() => {});
}

function cutOff(connection: Connection): void {
  if (connection.isClosing) return;
  connection.isClosing = true;
  connection.cut.abort();
}
