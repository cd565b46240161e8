import type { Value } from "../../component/abi/codec.ts";
import type { HostTasks } from "../../component/instance/host.ts";
import { byteText } from "../../http1/characters.ts";
import { HttpError } from "../../server/http_error.ts";
import { UnfinishedBodyError } from "../../server/unfinished_body.ts";
import { type HttpErrorCode, OutgoingBody } from "../../wasi/p2/http_body.ts";
import {
  type IncomingRequest,
  OutgoingResponse,
  type ResponseOutparam,
} from "../../wasi/p2/http_types.ts";
import { toMethod } from "../../wasi/p2/http_syntax.ts";
import { HttpRequest, type HttpResponse } from "../../wasi/p3/http_message.ts";
import type { RequestBody } from "./request_body.ts";
import { type ComponentRequestHead, HandledRequest } from "./request_head.ts";

/** How long a response whose body has begun waits for its end, in milliseconds. */
const wholeWithinMs = 1;

/** The handler of an instance: its version of WASI, and the host work of the instance. */
export interface CalledHandler {
  readonly wasi: "0.2" | "0.3";
  readonly tasks: HostTasks;
}

/** One request to a component, and its response as the guest sets it. */
export class Exchange {
  readonly args: Value[];
  readonly method: string;
  readonly body: RequestBody;
  /** Resolves when the guest sets its response. */
  readonly response: Promise<OutgoingResponse | HttpErrorCode>;
  set: OutgoingResponse | HttpErrorCode | undefined;
  /** True once its response can be sent. */
  isAnswered = false;
  /** Called when the client stops reading the response. */
  onAbandoned: () => void = () => {};
  /** The timer of `respondSoon`. */
  soon: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  readonly #resolve: (response: OutgoingResponse | HttpErrorCode) => void;

  /** @param wasi the version of the handler that is called. */
  constructor(head: ComponentRequestHead, body: RequestBody, { wasi, tasks }: CalledHandler) {
    const { promise, resolve } = Promise.withResolvers<OutgoingResponse | HttpErrorCode>();
    this.response = promise;
    this.#resolve = resolve;
    this.method = head.method;
    this.body = body;
    const incoming = new HandledRequest(head, body, () => this.#isClosed);
    const outparam: ResponseOutparam = { set: (response) => this.#set(response) };
    this.args = wasi === "0.3"
      ? [toRequest(incoming, tasks)]
      : [incoming as unknown as Value, outparam as Value];
  }

  /** Takes the result of a handler of 0.3, which is its response. */
  readonly onReturn = (result: Value): void => {
    if (result === undefined) return;
    const { tag, value } = result as { tag: "ok"; value: HttpResponse } | {
      tag: "error";
      value: HttpErrorCode;
    };
    this.#set(tag === "ok" ? toOutgoing(value) : value);
  };

  #set(response: OutgoingResponse | HttpErrorCode): void {
    // A handle that is dropped after the call sets nothing: the call's error is the response.
    if (this.set || this.#isClosed) return;
    this.set = response;
    this.#resolve(response);
  }

  /**
   * Ends what the guest left open: a body that is not finished is cut off. Call it when the call
   * has ended or was discarded, before its instance is reset.
   */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.soon);
    if (this.set instanceof OutgoingResponse) this.set.body?.bytes.abort();
  }
}

/** Responds when the response is complete, or shortly after it has begun. */
export function respondSoon(exchange: Exchange, answered: PromiseWithResolvers<Exchange>): void {
  if (!(exchange.set instanceof OutgoingResponse)) return respondNow(exchange, answered);
  exchange.soon = setTimeout(() => respondNow(exchange, answered), wholeWithinMs);
}

/**
 * Responds, unless that has happened, with the part of the body that is complete and then the rest.
 */
export function respondNow(exchange: Exchange, answered: PromiseWithResolvers<Exchange>): void {
  exchange.isAnswered = true;
  answered.resolve(exchange);
}

/**
 * Returns the response that the guest has set.
 *
 * @throws HttpError 500 `NO_RESPONSE`, 502 `BAD_ANSWER`.
 */
export function outgoingOf({ set }: Exchange): OutgoingResponse {
  if (!set) throw new HttpError(500, "NO_RESPONSE", "the component ended without a response");
  if (!(set instanceof OutgoingResponse)) {
    throw new HttpError(502, "BAD_ANSWER", `the component responded with the error ${set.tag}`);
  }
  const { status, body } = set;
  if (status < 200 || status > 599) {
    body?.bytes.discard();
    throw new HttpError(502, "BAD_ANSWER", `the component responded with status ${status}`);
  }
  return set;
}

/** Makes the response that the guest has set. @throws as `outgoingOf`. */
export function toResponse(exchange: Exchange): Response {
  const outgoing = outgoingOf(exchange);
  const { status, headers } = outgoing;
  const response = new Response(contentOf(exchange, outgoing), { status });
  for (const [name, value] of headers.entries) response.headers.append(name, byteText(value));
  return response;
}

/** Returns the content as far as it is complete, or as a stream. */
function contentOf(
  exchange: Exchange,
  { status, body }: OutgoingResponse,
): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> | null {
  if (status === 204 || status === 205 || status === 304) {
    body?.bytes.discard();
    return null;
  }
  const whole = body?.bytes.takeWhole();
  if (exchange.method !== "HEAD" || whole) {
    return whole ??
      body?.bytes.toStream(
        new UnfinishedBodyError("the component did not finish its response"),
        () => exchange.onAbandoned(),
      ) ?? null;
  }
  body?.bytes.discard();
  // Without content, Deno would send a length of 0, which may differ from that of a GET.
  return new ReadableStream({ pull: (controller) => controller.close() });
}

/** Returns a request as a guest of 0.3 sees it. */
function toRequest(incoming: IncomingRequest, tasks: HostTasks): HttpRequest {
  const { headers, body, method, pathWithQuery, scheme, authority } = incoming;
  const request = new HttpRequest(headers, { kind: "host", body }, tasks);
  return Object.assign(request, { method: toMethod(method), pathWithQuery, scheme, authority });
}

/**
 * Returns the response of a guest of 0.3 in the form of 0.2; its content is copied as it arrives.
 */
function toOutgoing(response: HttpResponse): OutgoingResponse {
  const outgoing = new OutgoingResponse(response.headers);
  outgoing.status = response.status;
  const bytes = response.transmit((code) => response.reportSent(code));
  if (bytes) outgoing.body = new OutgoingBody(bytes);
  return outgoing;
}
