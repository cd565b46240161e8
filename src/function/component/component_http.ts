import type { InputStream } from "../../wasi/p2/stream_types.ts";
import type { Log } from "../../base/log.ts";
import type { Value } from "../../component/abi/codec.ts";
import { HttpError } from "../../server/http_error.ts";
import { Fields, isForbidden } from "../../wasi/p2/fields.ts";
import type { HttpErrorCode } from "../../wasi/p2/http_body.ts";
import {
  IncomingBody,
  type IncomingRequest,
  OutgoingResponse,
  type ResponseOutparam,
} from "../../wasi/p2/http_types.ts";
import { BytesInput, ChunkInput } from "../../wasi/p2/stream_sources.ts";
import { TimeoutError } from "../../wasm/limit_errors.ts";
import { failedCallResponse } from "../failed_call_response.ts";
import { ExitError, TrapError } from "../traps.ts";
import type { ComponentFunctions } from "./component_functions.ts";
import type { PooledComponent } from "./pooled_component.ts";

/** Bodies up to this size are read before the call, so that the guest need not wait for them. */
const maxBufferedBody = 65_536;
/** How long a response whose body has begun waits for its end, in milliseconds. */
const wholeWithinMs = 1;

/** Returns a handler that makes every request one call of `wasi:http/incoming-handler`. */
export function createComponentHandler(
  called: ComponentFunctions,
  { log }: { log: Log },
): (request: Request) => Response | Promise<Response> {
  const failed = (error: unknown): Response => {
    if (error instanceof TrapError || error instanceof ExitError || error instanceof TimeoutError) {
      const message = error instanceof TrapError ? error.logMessage : error.message;
      log.error(`${called.options.name}: ${message}`);
    }
    return failedCallResponse(error, log);
  };

  const callWith = (request: Request, input: RequestBody): Response | Promise<Response> => {
    let exchange = new Exchange(request, input);
    const answered = Promise.withResolvers<Response>();
    const begin = () => {
      exchange = new Exchange(request, input);
      return exchange;
    };
    try {
      const done = called.call<void>({
        run: (instance) => {
          const { args } = begin();
          instance.entry.call(...args);
          exchange.close();
        },
        runAwaitable: async (instance: PooledComponent) => {
          const { args, response } = begin();
          void response.then((set) => respondSoon(exchange, set, answered));
          await instance.entry.callAwaitable(...args);
          exchange.close();
        },
        onLong: (stop) => {
          const gone = () => stop(new HttpError(499, "CLIENT_GONE", "the client went away"));
          exchange.onAbandoned = gone;
          if (request.signal.aborted) gone();
          else request.signal.addEventListener("abort", gone, { once: true });
        },
      });
      if (!(done instanceof Promise)) return toResponse(exchange, exchange.set);
      done.then(
        () => respondNow(exchange, answered),
        (error) => {
          exchange.close();
          answered.resolve(failed(error));
        },
      ).finally(() => input.close());
      return answered.promise.catch(failed);
    } catch (error) {
      return failed(error);
    }
  };

  return (request) => {
    const { method, headers, body } = request;
    const length = Number(headers.get("content-length") ?? NaN);
    if (method === "GET" || method === "HEAD" || length === 0 || !body) {
      return callWith(request, new RequestBody(new Uint8Array(0)));
    }
    if (length <= maxBufferedBody) {
      return request.bytes().then(
        (bytes) => callWith(request, new RequestBody(bytes)),
        failed,
      );
    }
    return callWith(request, new RequestBody(body));
  };
}

/**
 * The body of a request. A call that is rerun reads it again: bytes from the start, and a stream,
 * of which a call that cannot wait reads nothing, where it is.
 */
class RequestBody {
  readonly #body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>;
  #input: InputStream | undefined;

  constructor(body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#body = body;
  }

  get stream(): InputStream {
    if (this.#body instanceof Uint8Array) return new BytesInput(this.#body);
    const input = this.#input ??= streamInput(this.#body);
    return {
      isReady: () => input.isReady(),
      whenReady: (listener) => input.whenReady(listener),
      read: (length) => input.read(length),
      close: () => {},
    };
  }

  /** Cancels what was not read. */
  close(): void {
    this.#input?.close();
  }
}

function streamInput(stream: ReadableStream<Uint8Array<ArrayBuffer>>): InputStream {
  const reader = stream.getReader();
  return new ChunkInput({
    next: async () => (await reader.read()).value,
    cancel: () => void reader.cancel().catch(() => {}),
  });
}

/** One request to a component, and its response as the guest sets it. */
class Exchange {
  readonly args: Value[];
  /** Resolves when the guest sets its response. */
  readonly response: Promise<OutgoingResponse | HttpErrorCode>;
  set: OutgoingResponse | HttpErrorCode | undefined;
  /** True once a response was made of it, which takes the body. */
  isAnswered = false;
  /** Called when the client stops reading the response. */
  onAbandoned: () => void = () => {};

  constructor(request: Request, body: RequestBody) {
    const { promise, resolve } = Promise.withResolvers<OutgoingResponse | HttpErrorCode>();
    this.response = promise;
    const outparam: ResponseOutparam = {
      set: (response) => {
        if (this.set) return;
        this.set = response;
        resolve(response);
      },
    };
    this.args = [incomingRequest(request, body), outparam as Value];
  }

  /** Ends what the guest left open: a body that is not finished is cut off. */
  close(): void {
    if (this.set instanceof OutgoingResponse) this.set.body?.bytes.abort();
  }
}

/** Responds when the response is complete, or shortly after it has begun. */
function respondSoon(
  exchange: Exchange,
  set: OutgoingResponse | HttpErrorCode,
  answered: PromiseWithResolvers<Response>,
): void {
  const settle = () => respondNow(exchange, answered);
  if (!(set instanceof OutgoingResponse)) return settle();
  setTimeout(settle, wholeWithinMs);
}

function respondNow(exchange: Exchange, answered: PromiseWithResolvers<Response>): void {
  if (exchange.isAnswered) return;
  exchange.isAnswered = true;
  try {
    answered.resolve(toResponse(exchange, exchange.set));
  } catch (error) {
    answered.reject(error);
  }
}

function toResponse(
  exchange: Exchange,
  set: OutgoingResponse | HttpErrorCode | undefined,
): Response {
  if (!set) throw new HttpError(500, "NO_RESPONSE", "the component ended without a response");
  if (!(set instanceof OutgoingResponse)) {
    throw new HttpError(502, "BAD_ANSWER", `the component answered with the error ${set.tag}`);
  }
  const { status, headers, body } = set;
  if (status < 200 || status > 599) {
    throw new HttpError(502, "BAD_ANSWER", `the component answered with status ${status}`);
  }
  const hasBody = body && status !== 204 && status !== 205 && status !== 304;
  const bytes = hasBody
    ? body.bytes.takeWhole() ?? body.bytes.toStream(() => exchange.onAbandoned())
    : null;
  const response = new Response(bytes, { status });
  for (const [name, value] of headers.entries) response.headers.append(name, latin1(value));
  return response;
}

function incomingRequest(request: Request, body: RequestBody): Value {
  const { url, method } = request;
  const headers = new Fields();
  request.headers.forEach((value, name) => {
    if (!isForbidden(name)) headers.append(name, encodeLatin1(value));
  });
  const scheme = url.startsWith("https:") ? "HTTPS" : "HTTP";
  const start = url.indexOf("/", 8);
  const found: IncomingRequest = {
    method,
    pathWithQuery: start < 0 ? "/" : url.slice(start),
    scheme: { tag: scheme },
    authority: request.headers.get("host") ?? url.slice(url.indexOf("//") + 2, start),
    headers: headers.frozen(),
    body: new IncomingBody(() => body.stream),
  };
  return found as unknown as Value;
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function encodeLatin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
