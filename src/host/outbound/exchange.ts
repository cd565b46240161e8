import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers";
import type { Header } from "../../abi/headers.ts";
import { CapsuleError } from "../../base/errors.ts";
import { proxyAuthorization } from "../../base/proxies.ts";
import type { ConnectionPool } from "./connection_pool.ts";
import type { OutboundResponse } from "./message.ts";

/** A request to one server. */
export interface ExchangeRequest {
  origin: string;
  path: string;
  method: string;
  headers: readonly Header[];
  body: Uint8Array;
  /** The proxy that forwards the request. */
  proxy?: URL;
}

/** Limits of one exchange. */
export interface ExchangeLimits {
  /** Aborts the exchange and closes its connection. */
  signal: AbortSignal;
  /** The largest response body, in bytes as received. */
  maxBytes: number;
}

/**
 * The server closed a reused connection before it responded, possibly before it saw the request,
 * so an idempotent request can be sent again.
 */
export class StaleConnectionError extends Error {}

/**
 * Sends one request and reads the whole response.
 *
 * It uses undici's `dispatch`: `request` ignores its signal until it has a connection, and decodes
 * headers as UTF-8, where ours are byte strings.
 *
 * @throws CapsuleError `TOO_LARGE`; `StaleConnectionError`; the signal's reason; undici's errors.
 */
export async function exchange(
  pool: ConnectionPool,
  request: ExchangeRequest,
  { signal, maxBytes }: ExchangeLimits,
): Promise<OutboundResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<OutboundResponse>();
  const { origin, path, method, headers, body, proxy } = request;
  const chunks: Uint8Array[] = [];
  let size = 0;
  let status = 0;
  let responseHeaders: Header[] = [];

  const fail = (error: Error) => {
    signal.removeEventListener("abort", onAbort);
    reject(error);
    connection.destroy();
  };
  const onAbort = () =>
    fail(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
  const tooLarge = () =>
    fail(
      new CapsuleError("TOO_LARGE", `the response has more than ${maxBytes} bytes (-maxResponse)`),
    );

  signal.throwIfAborted();
  signal.addEventListener("abort", onAbort, { once: true });
  const connection = pool.take(origin, proxy);
  // To a proxy the target is in absolute form (RFC 9112 § 3.2.2), unless it only tunnels.
  const forwarded = proxy !== undefined && origin.startsWith("http:");
  const isLarge = body.length > blockBytes;
  try {
    connection.client.dispatch({
      origin: forwarded ? proxy.origin : origin,
      path: forwarded ? origin + path : path,
      method,
      headers: [
        ...headers,
        ...(forwarded ? proxyHeaders(proxy, origin) : []),
        ...(isLarge ? [["Content-Length", `${body.length}`]] : []),
      ].flat(),
      body: body.length === 0 ? null : isLarge ? Readable.from(blocksOf(body)) : body,
    }, {
      onRequestStart() {}, // its presence selects undici's current handler interface
      onResponseStart(controller, code) {
        if (code < 200) return; // an interim response, such as 103 Early Hints
        status = code;
        responseHeaders = headerPairs(controller.rawHeaders);
        const length = responseHeaders.find(([name]) => name.toLowerCase() === "content-length");
        if (Number(length?.[1]) > maxBytes && method !== "HEAD") tooLarge();
      },
      onResponseData(_controller, chunk) {
        size += chunk.length;
        if (size > maxBytes) tooLarge();
        else chunks.push(chunk);
      },
      onResponseEnd() {
        signal.removeEventListener("abort", onAbort);
        connection.release();
        resolve({ status, headers: responseHeaders, body: concat(chunks, size) });
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

/**
 * Bytes of a body that are written between two turns of the event loop: a larger write would block
 * other calls while the system copies it.
 */
const blockBytes = 1024 ** 2;

async function* blocksOf(body: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += blockBytes) {
    yield body.subarray(at, at + blockBytes);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

function proxyHeaders(proxy: URL, origin: string): Header[] {
  const authorization = proxyAuthorization(proxy);
  const host: Header = ["Host", new URL(origin).host];
  return authorization === undefined ? [host] : [host, ["Proxy-Authorization", authorization]];
}

/** Decodes undici's raw headers, alternating names and values, as Latin-1. */
function headerPairs(raw: unknown): Header[] {
  if (!Array.isArray(raw)) return [];
  const pairs: Header[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    pairs.push([latin1(raw[index]), latin1(raw[index + 1])]);
  }
  return pairs;
}

const latin1 = (bytes: unknown): string =>
  bytes instanceof Uint8Array
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")
    : "";

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  // Copies a single chunk too: it may be a small view of the socket's large read buffer.
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/**
 * Reports whether the connection had served a response before it broke. undici's socket errors
 * carry `bytesRead`.
 */
function isStale(error: Error): boolean {
  const code: unknown = Reflect.get(error, "code");
  if (code === "ECONNRESET" || code === "EPIPE") return true;
  const socket: unknown = Reflect.get(error, "socket");
  return code === "UND_ERR_SOCKET" && typeof socket === "object" && socket !== null &&
    Reflect.get(socket, "bytesRead") > 0;
}
