import { Buffer } from "node:buffer";
import { CapsuleError } from "../../base/errors.ts";
import type { ConnectionPool } from "./connection_pool.ts";
import type { Header, HttpAnswer } from "./http_client.ts";

/** One request to one server, as it goes out. */
export interface Outgoing {
  origin: string;
  path: string;
  method: string;
  headers: readonly Header[];
  body: Uint8Array;
}

/** What bounds it. */
export interface Bounds {
  /** Ends it at once; the connection is closed. */
  signal: AbortSignal;
  /** Of the body as it comes. */
  maxBytes: number;
}

/** The server ended the connection before it answered, maybe just when the request was on its way: it may be sent again. */
export class StaleConnectionError extends Error {}

/**
 * Sends one request and takes the whole answer.
 *
 * It goes beneath undici's own `request`, which waits for a connection before it hears of the signal, and reads headers as UTF-8 where
 * ours are bytes.
 */
export async function exchange(
  pool: ConnectionPool,
  outgoing: Outgoing,
  { signal, maxBytes }: Bounds,
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const { origin, path, method, headers, body } = outgoing;
  const chunks: Uint8Array[] = [];
  let size = 0;
  let status = 0;
  let answerHeaders: Header[] = [];

  const fail = (error: Error) => {
    signal.removeEventListener("abort", onAbort);
    reject(error);
    connection.end();
  };
  const onAbort = () =>
    fail(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
  const tooLarge = () =>
    fail(
      new CapsuleError("TOO_LARGE", `the answer has more than ${maxBytes} bytes (-maxResponse)`),
    );

  signal.throwIfAborted();
  signal.addEventListener("abort", onAbort, { once: true });
  const connection = pool.take(origin);
  try {
    connection.client.dispatch({
      origin,
      path,
      method,
      headers: headers.flat(),
      body: body.length === 0 ? null : body,
    }, {
      onRequestStart() {}, // undici tells the two generations of handlers apart by it
      onResponseStart(controller, code) {
        if (code < 200) return; // "early hints" and the like
        status = code;
        answerHeaders = pairs(controller.rawHeaders);
        const length = answerHeaders.find(([name]) => name.toLowerCase() === "content-length")?.[1];
        if (Number(length) > maxBytes && method !== "HEAD") tooLarge();
      },
      onResponseData(_controller, chunk) {
        size += chunk.length;
        if (size > maxBytes) tooLarge();
        else chunks.push(chunk);
      },
      onResponseEnd() {
        signal.removeEventListener("abort", onAbort);
        connection.giveBack();
        resolve({ status, headers: answerHeaders, body: join(chunks, size) });
      },
      onResponseError(_controller, error) {
        fail(
          status === 0 && isStale(error)
            ? new StaleConnectionError(error.message, { cause: error })
            : error,
        );
      },
    });
  } catch (error) {
    fail(error instanceof Error ? error : new Error(String(error)));
  }
  return await promise;
}

/** Header bytes as Latin-1, one character a byte; names and values take turns. */
function pairs(raw: unknown): Header[] {
  if (!Array.isArray(raw)) return [];
  const found: Header[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    found.push([latin1(raw[index]), latin1(raw[index + 1])]);
  }
  return found;
}

const latin1 = (bytes: unknown): string =>
  bytes instanceof Uint8Array
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")
    : "";

function join(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  // Also when there is one only: what a socket read into may be a large buffer with little in it.
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/** Whether the connection had answered somebody before it broke: `bytesRead` is of undici's own socket errors. */
function isStale(error: Error): boolean {
  const code: unknown = Reflect.get(error, "code");
  if (code === "ECONNRESET" || code === "EPIPE") return true;
  const socket: unknown = Reflect.get(error, "socket");
  return code === "UND_ERR_SOCKET" && typeof socket === "object" && socket !== null &&
    Reflect.get(socket, "bytesRead") > 0;
}
