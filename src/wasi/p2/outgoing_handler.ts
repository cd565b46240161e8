import { encodeByteString, readByteString } from "../../base/byte_string.ts";
import type { StreamedRequest, StreamedResponse } from "../../base/streamed_http.ts";
import { Fields, isForbidden } from "./fields.ts";
import { Future, type HttpErrorCode, HttpFailure, OutgoingBytes } from "./http_body.ts";
import { fromMethod, type HttpVariant } from "./http_syntax.ts";
import {
  IncomingBody,
  type IncomingResponse,
  type OutgoingRequest,
  type RequestOptions,
  type ResponseResult,
  type TrailersResult,
} from "./http_types.ts";
import { ok, type P2Interface, type P2State } from "./state.ts";
import { IoError } from "./stream_end.ts";
import { ChunkInput } from "./stream_sources.ts";

/** Sends a request as far as a grant allows. @throws an error that `errorCode` maps. */
export type SendRequest = (request: StreamedRequest) => Promise<StreamedResponse>;

/** Maps an error of `SendRequest` to an error-code of `wasi:http`. */
export type MapHttpError = (error: unknown) => HttpErrorCode;

/** The client of HTTP, with the grant of a guest. */
export interface HttpSender {
  readonly send: SendRequest;
  readonly errorCode: MapHttpError;
  /** Returns the signal of the current call. */
  readonly signal: () => AbortSignal;
}

/** A request as a guest made it. */
export interface OutgoingMessage {
  readonly method: HttpVariant;
  readonly scheme: HttpVariant | undefined;
  readonly authority: string | undefined;
  readonly pathWithQuery: string | undefined;
  readonly headers: Fields;
  readonly body: OutgoingBytes | undefined;
  readonly options: RequestOptions | undefined;
}

/** A request that was sent. */
interface SentMessage {
  readonly tag: "sent";
  readonly response: Promise<ResponseResult>;
  /** Aborts it and its response. */
  readonly abort: () => void;
}

/** Sends a request. Returns the error of one that cannot be sent. */
export function sendMessage(
  state: P2State,
  { send, errorCode, signal }: HttpSender,
  message: OutgoingMessage,
): SentMessage | { readonly tag: "error"; readonly value: HttpErrorCode } {
  state.beforeSideEffect();
  const { scheme, authority, pathWithQuery = "/", headers, body, options } = message;
  const refused = (tag: string) => ({ tag: "error", value: { tag } }) as const;
  if (authority === undefined) return refused("HTTP-request-URI-invalid");
  const protocol = scheme === undefined || scheme.tag === "HTTPS"
    ? "https"
    : scheme.tag === "HTTP"
    ? "http"
    : undefined;
  if (protocol === undefined) return refused("HTTP-protocol-error");
  // The end of the call aborts what it left open.
  const controller = new AbortController();
  const abort = () => controller.abort();
  state.pending.add(abort);
  const sent = send({
    url: `${protocol}://${authority}${pathWithQuery}`,
    method: fromMethod(message.method),
    headers: headers.entries.map(([name, value]) =>
      [name, readByteString(value, 0, value.length)] as const
    ),
    body: body && chunksOf(body),
    connectTimeoutMs: toMs(options?.connectTimeout),
    firstByteTimeoutMs: toMs(options?.firstByteTimeout),
    betweenBytesTimeoutMs: toMs(options?.betweenBytesTimeout),
    signal: AbortSignal.any([signal(), controller.signal]),
  });
  const response = sent.then<ResponseResult, ResponseResult>(
    (response) => ({ tag: "ok", value: toIncoming(response, errorCode) }),
    (error) => ({ tag: "error", value: errorCode(error) }),
  );
  return { tag: "sent", response, abort };
}

/** `wasi:http/outgoing-handler` */
export function outgoingHandlerInterface(state: P2State, sender: HttpSender): P2Interface {
  return {
    functions: {
      // handle: func(request: outgoing-request, options: option<request-options>)
      //   -> result<future-incoming-response, error-code>
      "handle": (request: OutgoingRequest, options?: RequestOptions) => {
        const { method, scheme, authority, pathWithQuery, headers } = request;
        const body = request.body?.bytes;
        const message = { method, scheme, authority, pathWithQuery, headers, body, options };
        const sent = sendMessage(state, sender, message);
        return sent.tag === "sent" ? ok(new Future<ResponseResult>(sent.response)) : sent;
      },
    },
  };
}

function toMs(durationNs: bigint | undefined): number | undefined {
  return durationNs === undefined ? undefined : Math.max(1, Number(durationNs / 1_000_000n));
}

async function* chunksOf(bytes: OutgoingBytes): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let chunk = await bytes.next(); chunk; chunk = await bytes.next()) yield chunk;
}

function toIncoming(
  { status, headers, body, trailers }: StreamedResponse,
  errorCode: MapHttpError,
): IncomingResponse {
  const chunks = body[Symbol.asyncIterator]();
  const ended = Promise.withResolvers<TrailersResult>();
  const next = async () => {
    try {
      const { value, done } = await chunks.next();
      if (!done) return new Uint8Array(value);
    } catch (error) {
      ended.resolve({ tag: "error", value: bodyErrorCode(errorCode(error)) });
      throw error;
    }
    const found = toFields(trailers());
    ended.resolve({ tag: "ok", value: found.entries.length > 0 ? found : undefined });
  };
  const open = () =>
    new ChunkInput({
      next,
      cancel: () => void chunks.return?.(),
      failure: (error) => {
        const code = bodyErrorCode(errorCode(error));
        return new IoError(code.tag, new HttpFailure(code));
      },
    });
  return {
    status,
    headers: toFields(headers),
    body: new IncomingBody(open, async () => {
      try {
        while (await next());
      } catch {
        // The error is that of the trailers.
      }
      return await ended.promise;
    }),
  };
}

/**
 * Returns the error-code for a body: a connection that ends within it means that it is incomplete.
 */
function bodyErrorCode(code: HttpErrorCode): HttpErrorCode {
  return code.tag === "connection-terminated" ? { tag: "HTTP-response-incomplete" } : code;
}

function toFields(received: readonly (readonly [name: string, value: string])[]): Fields {
  const fields = new Fields();
  for (const [name, value] of received) {
    if (!isForbidden(name)) fields.append(name, encodeByteString(value));
  }
  return fields.frozen();
}
