import { readWhole, TimedBodyReader } from "./body_timeout.ts";
import { bodyOfGet, type BodySource } from "./deno_get_body.ts";
import { HttpError } from "./http_error.ts";

/** Options of `readBody`. */
export interface ReadBodyOptions {
  readonly maxBytes: number;
  /** The flag of the limit, for the message. */
  readonly flag?: string;
  /**
   * The `Content-Length` header, `null` without one. A caller that has read the headers passes this
   * and `isChunked`, which saves the lookups (hot path; bench: `throughput`).
   */
  readonly contentLength?: string | null;
  /** True with a `Transfer-Encoding` header. */
  readonly isChunked?: boolean;
  /** Longest pause of the client; default 30 s. */
  readonly allowanceMs?: number;
}

type Bytes = Uint8Array<ArrayBuffer>;
const noBytes = new Uint8Array(0);

/** A longer body is read in pieces, so that a client that sends none of it is noticed early. */
const maxWholeLength = 16 * 1024;
/** Bytes beyond the limit that are read and discarded, so that the 413 arrives. */
const maxDrainedBytes = 128 * 1024 * 1024;
const maxDrainMs = 30_000;
/** Longest pause of a client whose body is discarded. */
const drainAllowanceMs = 5000;

/**
 * Reads the body of a request; synchronously without one, so that a GET needs no promise. A
 * body over the limit is read and discarded up to 128 MiB and 30 s: Deno closes a connection whose
 * request was not read.
 *
 * @throws HttpError 413 `BODY_TOO_LARGE`, 400 `BODY_CUT` if the client left before the end, 408
 * `BODY_TIMEOUT`. Thrown or rejected.
 */
export function readBody(request: Request, options: ReadBodyOptions): Bytes | Promise<Bytes> {
  const { contentLength = request.headers.get("content-length") } = options;
  const hidesBody = request.method === "GET" || request.method === "HEAD";
  if (contentLength === null) {
    const { isChunked = request.headers.has("transfer-encoding") } = options;
    // Touching `request.body` creates a stream, so the headers are checked first.
    if (hidesBody && !isChunked) return noBytes;
    return readPieces(hidesBody ? bodyOfGet(request) : request, options);
  }
  const length = Number(contentLength);
  if (length === 0) return noBytes;
  const body = hidesBody ? bodyOfGet(request) : request;
  if (length > options.maxBytes) return refuse(body, options);
  if (length > maxWholeLength) return readPieces(body, options);
  return readWhole(body, length, options.allowanceMs);
}

/**
 * Reads and discards a request's body, so that a client that is still sending gets its response.
 */
export async function dropBody(request: Request): Promise<void> {
  try {
    await readBody(request, { maxBytes: 0 });
  } catch {
    // Expected: nearly every body exceeds a limit of 0.
  }
}

/** Returns the error for a body over a limit. */
export function bodyTooLarge(
  { maxBytes, flag }: Pick<ReadBodyOptions, "maxBytes" | "flag">,
): HttpError {
  const rule = `a body may have at most ${maxBytes} bytes${flag ? ` (${flag})` : ""}`;
  return new HttpError(413, "BODY_TOO_LARGE", `${rule}, this one has more`);
}

async function refuse({ body }: BodySource, options: ReadBodyOptions): Promise<never> {
  if (body) await drainBody(body, options.allowanceMs);
  throw bodyTooLarge(options);
}

/**
 * Reads and discards the rest of a body, up to 128 MiB and 30 s: a client that is still sending
 * would lose the response.
 */
export async function drainBody(
  body: ReadableStream<Bytes>,
  allowanceMs = drainAllowanceMs,
): Promise<void> {
  await drain(new TimedBodyReader(body, Math.min(allowanceMs, drainAllowanceMs)));
}

async function readPieces({ body }: BodySource, options: ReadBodyOptions): Promise<Bytes> {
  if (body === null) return noBytes;
  const reader = new TimedBodyReader(body, options.allowanceMs);
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (let piece = await reader.read(); piece; piece = await reader.read()) {
    length += piece.length;
    if (length > options.maxBytes) {
      pieces.length = 0;
      await drain(reader);
      throw bodyTooLarge(options);
    }
    pieces.push(piece);
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

/** Reads and discards up to `maxDrainedBytes`; what fails is left to Deno, which closes. */
async function drain(reader: TimedBodyReader): Promise<void> {
  const endMs = performance.now() + maxDrainMs;
  try {
    let length = 0;
    for (let piece = await reader.read(); piece; piece = await reader.read()) {
      length += piece.length;
      if (length > maxDrainedBytes || performance.now() > endMs) return;
    }
  } catch {
    // The client left, or is too slow.
  }
}
