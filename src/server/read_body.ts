import { HttpError } from "./http_error.ts";

/** What a client may send beyond the limit before its connection is closed: read and thrown away, so that the 413 arrives. */
const drainBytes = 128 * 1024 * 1024;
const drainMs = 30_000;
const nothing = new Uint8Array(0);

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * The request's body, at once when there is none, so that a GET costs no promise. What is over the limit is read and dropped
 * (up to 128 MiB, 30 s), so that the client gets its answer and may use the connection again: Deno closes it after a body that nobody read.
 *
 * `setting` names the flag that holds the limit, for the message. A caller that has read the headers already passes what they say
 * of the body, `contentLength` (`null` for none) and `isChunked`: a look at one costs up to a microsecond.
 *
 * @throws HttpError 413 `BODY_TOO_LARGE`, 400 `BODY_CUT` when the client went away in the middle. Thrown or rejected.
 */
export function readBody(
  request: Request,
  maxBytes: number,
  setting = "",
  contentLength: string | null = request.headers.get("content-length"),
  isChunked = contentLength === null && request.headers.has("transfer-encoding"),
): Bytes | Promise<Bytes> {
  const bodyless = request.method === "GET" || request.method === "HEAD";
  if (contentLength === null) {
    // Touching `request.body` builds a stream, so for a GET the headers are asked first.
    if (bodyless && !isChunked) return nothing;
    return readStream(bodyless ? bodyOfGet(request) : request, maxBytes, setting);
  }
  const length = Number(contentLength);
  if (length === 0) return nothing;
  if (length > maxBytes) return refuse(bodyless ? bodyOfGet(request) : request, maxBytes, setting);
  return (bodyless ? bodyOfGet(request) : request).arrayBuffer().then(toBytes, cut);
}

const toBytes = (buffer: ArrayBuffer): Bytes => new Uint8Array(buffer);

function cut(error: unknown): never {
  throw new HttpError(400, "BODY_CUT", "the request's body ended early", { cause: error });
}

function tooLarge(maxBytes: number, setting: string): HttpError {
  const rule = `a body may have at most ${maxBytes} bytes${setting && ` (${setting})`}`;
  return new HttpError(413, "BODY_TOO_LARGE", `${rule}, this one has more`);
}

async function refuse(body: Body, maxBytes: number, setting: string): Promise<never> {
  const reader = body.body?.getReader();
  if (reader) await drain(reader);
  throw tooLarge(maxBytes, setting);
}

async function readStream({ body }: Body, maxBytes: number, setting: string): Promise<Bytes> {
  if (body === null) return nothing;
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(cut);
    if (done) break;
    length += value.length;
    if (length > maxBytes) {
      chunks.length = 0;
      await drain(reader);
      throw tooLarge(maxBytes, setting);
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const timer = setTimeout(() => void reader.cancel().catch(() => {}), drainMs);
  try {
    let seen = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      seen += value.length;
      if (seen > drainBytes) return await reader.cancel();
    }
  } catch {
    // The client went away: nobody is left to answer.
  } finally {
    clearTimeout(timer);
  }
}

/** The part of `Request` that a body is read through. */
type Body = Pick<Request, "body" | "arrayBuffer">;

/**
 * A GET's body. Deno has it, and hides it from the fetch API by asking the method of its inner request, once, when the
 * body is first touched; so that one look is answered with another method. Were a later Deno built otherwise, the body would be empty.
 */
function bodyOfGet(request: Request): Body {
  const symbol = Object.getOwnPropertySymbols(request).find((each) =>
    each.description === "request"
  );
  const inner: unknown = symbol && Reflect.get(request, symbol);
  if (typeof inner === "object" && inner !== null && !Object.hasOwn(inner, "method")) {
    Object.defineProperty(inner, "method", { value: "POST", configurable: true });
    try {
      void request.body;
    } finally {
      Reflect.deleteProperty(inner, "method");
    }
  }
  return request;
}
