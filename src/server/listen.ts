import { CapsuleError, messageOf } from "../base/errors.ts";

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
}

/** A server that listens. */
export interface Listening {
  /** `http://127.0.0.1:8080`, without a slash at its end. */
  readonly url: string;
  readonly port: number;
  /**
   * Resolves when the server has ended and nothing of it is left.
   *
   * @throws CapsuleError `LISTEN` when it could not go on, as where the process may open no more files.
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
  // `localhost` is this machine also where no name server or file says so, and always the same one of its addresses.
  const bind = {
    hostname: host.toLowerCase() === "localhost" ? "127.0.0.1" : bare(host),
    port,
    reusePort: reusePort !== undefined,
  };
  if (reusePort === "first" && port !== 0) {
    // Two programs that both share the port would each get a part of the connections, and neither would know.
    try {
      Deno.listen({ hostname: bind.hostname, port }).close();
    } catch (error) {
      throw cannotListen(options, error);
    }
  }
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({ ...bind, ...pem, signal: cut.signal, onError, onListen: () => {} }, handler);
  } catch (error) {
    throw cannotListen(options, error);
  }

  const actualPort = server.addr.port;
  // By itself it ends only when it can accept nobody any more.
  const finished = server.finished.catch((error: unknown) => {
    throw cannotListen({ ...options, port: actualPort }, error);
  });
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

/** A host as it stands in a URL: IPv6 addresses in brackets. */
export function urlHost(host: string): string {
  const name = bare(host);
  return name.includes(":") ? `[${name}]` : name;
}

/** `[::1]` → `::1`. */
function bare(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

async function readPem(tls: { crt: string; key: string }): Promise<{ cert: string; key: string }> {
  const read = async (flag: string, path: string) => {
    try {
      return await Deno.readTextFile(path);
    } catch (error) {
      throw new CapsuleError("TLS", `cannot read ${flag}=${path}: ${reasonOf(error)}`, { cause: error });
    }
  };
  return { cert: await read("-crt", tls.crt), key: await read("-key", tls.key) };
}

function cannotListen({ host, port, tls }: ListenOptions, error: unknown): CapsuleError {
  const address = `${urlHost(host)}:${port}`;
  if (tls && isTlsError(error)) {
    return new CapsuleError(
      "TLS",
      `cannot use -crt=${tls.crt} with -key=${tls.key}: ${tlsReason(messageOf(error))}`,
      { cause: error },
    );
  }
  return new CapsuleError("LISTEN", `cannot listen on ${address}: ${reasonOf(error)}`, { cause: error });
}

function isTlsError(error: unknown): boolean {
  return error instanceof Deno.errors.InvalidData || /certificate|key|cert/i.test(messageOf(error));
}

function tlsReason(message: string): string {
  if (/No certificates/i.test(message)) return "the first holds no PEM certificate";
  if (/No keys/i.test(message)) {
    return "the second holds no PEM private key (one with a passphrase cannot be read)";
  }
  if (/KeyMismatch|consistent/i.test(message)) return "the key is not the certificate's";
  if (/must be provided/i.test(message)) return "one of the two files is empty";
  return message;
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return "another program listens there already (choose another -httpPort, 0 for a free one)";
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return "this machine has no such address (choose another -host)";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "permission denied (ports below 1024 need a privilege)";
  }
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (/os error 24\)/.test(messageOf(error))) {
    return "too many open files (raise the limit for this program: ulimit -Hn, LimitNOFILE=)";
  }
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  if (/lookup address|empty host/i.test(messageOf(error))) return "no such host (choose another -host)";
  return messageOf(error);
}
