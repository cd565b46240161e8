import { throttle } from "../base/throttle.ts";
import { CapsuleError } from "../base/errors.ts";
import { bindHost, urlHost } from "../base/hosts.ts";
import { cannotListen, isOutOfFiles, outOfFiles } from "./listen_failure.ts";
import { readPem } from "./read_pem.ts";

/** What a server mode is: a function from request to response. It must read or drain every body (see `readBody`). */
export type Handler = Deno.ServeHandler<Deno.NetAddr>;

/** Where and how to listen. */
export interface ListenOptions {
  handler: Handler;
  /** A name or address of this machine, `127.0.0.1` for itself alone. */
  host: string;
  /** 0 takes a free port; `Listening.port` says which. */
  port: number;
  /** PEM files; given, the server speaks HTTPS (HTTP/1.1 and HTTP/2). */
  tls?: { crt: string; key: string };
  /**
   * Several threads on one port. `first` makes sure that nobody else listens there, which the system does not do for
   * a shared port; `join` listens beside the first.
   */
  reusePort?: "first" | "join";
  /** Answers for a handler that threw: a bug, since handlers turn errors into responses themselves. */
  onError: (error: unknown) => Response;
  /** Told, every 10 s at most, that nobody is let in as the process may open no more files. */
  onFull?: (sentence: string) => void;
}

/** How long a server that could not accept waits before it listens again. */
const fullPauseMs = 100;
const fullAgainMs = 10_000;

/** A server that listens. */
export interface Listening {
  /** `http://127.0.0.1:8080`, without a slash at its end. */
  readonly url: string;
  readonly port: number;
  /**
   * Resolves when the server has ended and nothing of it is left.
   *
   * @throws CapsuleError `LISTEN` when it could not go on.
   */
  readonly finished: Promise<void>;
  /**
   * Accepts nothing more, ends idle connections, and waits at most `graceMs` for the requests that run; they are cut when the
   * process ends. A first call with 0 cuts at once, a second call with a shorter grace shortens the first's.
   */
  stop(graceMs: number): Promise<void>;
}

/**
 * Listens and serves with `Deno.serve`, which gets the handler as it is: nothing of ours stands on the way of a request.
 *
 * @throws CapsuleError `LISTEN` when the address cannot be had, `TLS` when certificate or key cannot be used.
 */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { handler, host, port, tls, reusePort, onError } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new CapsuleError(
      "LISTEN",
      `cannot listen on ${host}: a port is a number from 0 to 65535, got ${port}`,
    );
  }
  const pem = tls && await readPem(tls);
  const cut = new AbortController();
  const bind = { hostname: bindHost(host), port, reusePort: reusePort !== undefined };
  if (reusePort === "first" && port !== 0) {
    // Two programs that both share the port would each get a part of the connections, and neither would know.
    try {
      Deno.listen({ hostname: bind.hostname, port }).close();
    } catch (error) {
      throw cannotListen(options, error);
    }
  }
  const serve = (port: number): Deno.HttpServer<Deno.NetAddr> => {
    try {
      const given = { ...bind, ...pem, port, signal: cut.signal, onError, onListen: () => {} };
      return Deno.serve(given, handler);
    } catch (error) {
      throw cannotListen({ ...options, port }, error);
    }
  };
  let server = serve(port);
  const actualPort = server.addr.port;
  let isStopping = false;
  const mayTell = throttle(fullAgainMs);

  /** Tries it once, after a pause. Answers whether that is enough: it listens, or is not to any more. */
  const listensAgain = async (): Promise<boolean> => {
    if (mayTell()) {
      options.onFull?.(
        `no connection is accepted on ${urlHost(host)}:${actualPort}: ${outOfFiles}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, fullPauseMs));
    if (isStopping) return true;
    try {
      server = serve(actualPort);
      return true;
    } catch (error) {
      if (isOutOfFiles(error)) return false;
      throw error;
    }
  };

  /**
   * Deno's server ends when it cannot accept a connection, though those that it has go on. Whoever opens too many must not
   * end the process, so it listens anew. Only requests on the former connections are then not waited for at the end.
   */
  const serveToTheEnd = async (): Promise<void> => {
    while (!isStopping) {
      try {
        return await server.finished;
      } catch (error) {
        if (!isOutOfFiles(error)) throw cannotListen({ ...options, port: actualPort }, error);
      }
      while (!await listensAgain());
    }
  };
  const finished = serveToTheEnd();
  // Why it ended is for `finished` to say, not for whoever stops it then.
  const ended = finished.catch(() => {});
  const graceOver = Promise.withResolvers<void>();
  let ending: Promise<void> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    url: `${tls ? "https" : "http"}://${urlHost(host)}:${actualPort}`,
    port: actualPort,
    finished,
    async stop(graceMs) {
      isStopping = true;
      clearTimeout(timer);
      if (graceMs > 0) {
        timer = setTimeout(graceOver.resolve, graceMs);
        ending ??= server.shutdown().then(() => ended);
      } else if (ending === undefined) {
        ending = ended;
        cut.abort();
      } else {
        // Once it shuts down, Deno's server cannot be cut any more; the end of the process does that.
        graceOver.resolve();
      }
      await Promise.race([ending, graceOver.promise]);
      clearTimeout(timer);
    },
  };
}
