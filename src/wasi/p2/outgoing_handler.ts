import type { StreamedRequest, StreamedResponse } from "../../base/streamed_http.ts";
import { Fields, isForbidden } from "./fields.ts";
import { Future, type HttpErrorCode, HttpFailure, OutgoingBytes } from "./http_body.ts";
import {
  fromMethod,
  IncomingBody,
  type IncomingResponse,
  type OutgoingRequest,
  type RequestOptions,
  type ResponseResult,
  type TrailersResult,
} from "./http_types.ts";
import { err, ok, type P2Interface, type P2State } from "./state.ts";
import { IoError } from "./stream_end.ts";
import { ChunkInput } from "./stream_sources.ts";

/** Sends a request as far as a grant allows. @throws an error that `errorCode` maps. */
export type SendRequest = (request: StreamedRequest) => Promise<StreamedResponse>;

/** Maps an error of `SendRequest` to an error-code of `wasi:http`. */
export type MapHttpError = (error: unknown) => HttpErrorCode;

/** `wasi:http/outgoing-handler` */
export function outgoingHandlerInterface(
  state: P2State,
  { send, errorCode, signal }: {
    readonly send: SendRequest;
    readonly errorCode: MapHttpError;
    /** Returns the signal of the current call. */
    readonly signal: () => AbortSignal;
  },
): P2Interface {
  return {
    functions: {
      // handle: func(request: outgoing-request, options: option<request-options>)
      //   -> result<future-incoming-response, error-code>
      "handle": (request: OutgoingRequest, options?: RequestOptions) => {
        state.beforeSideEffect();
        const { scheme, authority, pathWithQuery = "/" } = request;
        if (authority === undefined) return err({ tag: "HTTP-request-URI-invalid" });
        const protocol = scheme === undefined || scheme.tag === "HTTPS"
          ? "https"
          : scheme.tag === "HTTP"
          ? "http"
          : undefined;
        if (protocol === undefined) return err({ tag: "HTTP-protocol-error" });
        // The end of the call aborts what it left open.
        const abort = new AbortController();
        state.pending.add(() => abort.abort());

        const sent = send({
          url: `${protocol}://${authority}${pathWithQuery}`,
          method: fromMethod(request.method),
          headers: request.headers.entries.map(([name, value]) => [name, latin1(value)] as const),
          body: request.body && chunksOf(request.body.bytes),
          connectTimeoutMs: toMs(options?.connectTimeout),
          firstByteTimeoutMs: toMs(options?.firstByteTimeout),
          betweenBytesTimeoutMs: toMs(options?.betweenBytesTimeout),
          signal: AbortSignal.any([signal(), abort.signal]),
        });
        return ok(
          new Future<ResponseResult>(sent.then(
            (response) => ({ tag: "ok", value: toIncoming(response, errorCode) }),
            (error) => ({ tag: "error", value: errorCode(error) }),
          )),
        );
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

/** A connection that ends within a body has cut it. */
function bodyErrorCode(code: HttpErrorCode): HttpErrorCode {
  return code.tag === "connection-terminated" ? { tag: "HTTP-response-incomplete" } : code;
}

function toFields(received: readonly (readonly [name: string, value: string])[]): Fields {
  const fields = new Fields();
  for (const [name, value] of received) {
    if (!isForbidden(name)) fields.append(name, bytesOf(value));
  }
  return fields.frozen();
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

function bytesOf(byteString: string): Uint8Array {
  return Uint8Array.from(byteString, (character) => character.charCodeAt(0));
}
