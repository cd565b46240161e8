import { CapsuleError } from "../base/errors.ts";

/** The HTTP server of one connection. */
export interface ConnectionServer {
  /** Resolves when the connection is closed; rejects when the client resets it. */
  readonly finished: Promise<void>;
  /**
   * Closes the connection: immediately if it is idle or its request head is incomplete, otherwise
   * after the response. `cut` must not be aborted afterwards: Deno throws then.
   */
  shutdown(): Promise<void>;
}

/** Options of `serveConnection`. */
export interface ConnectionOptions {
  readonly handler: Deno.ServeHandler<Deno.NetAddr>;
  readonly onError: (error: unknown) => Response;
  /** Closes the connection immediately. */
  readonly cut: AbortSignal;
}

/**
 * Serves HTTP/1.1 or HTTP/2 on a connection, as `Deno.serve` does on those that it accepts.
 *
 * `Deno.serve` has no timeouts, and cannot close a single connection. Deno has the function below
 * it (`ext/http/00_serve.ts`), but exports it to its own modules only;
 * `tests/server/listen_test.ts` fails with a Deno that lacks it.
 *
 * @throws CapsuleError `LISTEN` with a Deno that lacks it.
 */
export function serveConnection(
  connection: Deno.Conn,
  { handler, onError, cut }: ConnectionOptions,
): ConnectionServer {
  return denoServe()(connection, cut, handler, onError, () => {});
}

type DenoServe = (
  connection: Deno.Conn,
  signal: AbortSignal,
  handler: Deno.ServeHandler<Deno.NetAddr>,
  onError: (error: unknown) => Response,
  onListen: () => void,
) => ConnectionServer;

let found: DenoServe | undefined;

function denoServe(): DenoServe {
  const internals: unknown = Reflect.get(Deno, Reflect.get(Deno, "internal"));
  return found ??= Reflect.get(Object(internals), "serveHttpOnConnection") ?? missing();
}

function missing(): never {
  const { deno } = Deno.version;
  throw new CapsuleError("LISTEN", `cannot serve HTTP: Capsule does not run on Deno ${deno}`);
}
