import type { Value } from "../../component/abi/codec.ts";
import { type Parent, requireNoChildren } from "./children.ts";
import { type Fields, fieldsFunctions02 } from "./fields.ts";
import {
  Future,
  type HttpErrorCode,
  HttpFailure,
  OutgoingBody,
  OutgoingBytes,
} from "./http_body.ts";
import {
  fromMethod,
  type HttpVariant,
  isAuthority,
  isMethod,
  isPath,
  isScheme,
  toMethod,
} from "./http_syntax.ts";
import { err, ok, type P2Interface, type P2State } from "./state.ts";
import type { IoError } from "./stream_end.ts";
import type { InputStream, OutputStream } from "./stream_types.ts";

/** The body of an incoming message. */
export class IncomingBody implements Parent {
  children = 0;
  /** Opens the stream of its bytes. */
  readonly #open: () => InputStream;
  readonly trailers: () => Promise<TrailersResult>;
  #isTaken = false;

  constructor(open: () => InputStream, trailers: () => Promise<TrailersResult> = noTrailers) {
    this.#open = open;
    this.trailers = trailers;
  }

  /** Returns its stream, the first time. */
  take(): InputStream | undefined {
    if (this.#isTaken) return undefined;
    this.#isTaken = true;
    const stream = this.#open();
    this.children++;
    return closing(stream, () => this.children--);
  }
}

/** Returns a stream that calls a listener when it is closed. */
function closing<Stream extends InputStream | OutputStream>(
  stream: Stream,
  onClosed: () => void,
): Stream {
  const close = stream.close.bind(stream);
  stream.close = () => {
    close();
    onClosed();
  };
  return stream;
}

/** The outcome of the trailers of an incoming message. */
export type TrailersResult = { readonly tag: "ok"; readonly value: Fields | undefined } | {
  readonly tag: "error";
  readonly value: HttpErrorCode;
};

/** The trailers of a message that has none. */
export const noTrailers = () => Promise.resolve<TrailersResult>({ tag: "ok", value: undefined });

/** The resource `incoming-request`. */
export interface IncomingRequest {
  readonly method: string;
  readonly pathWithQuery: string | undefined;
  readonly scheme: HttpVariant | undefined;
  readonly authority: string | undefined;
  readonly headers: Fields;
  readonly body: IncomingBody;
  isConsumed?: boolean;
}

/** The resource `incoming-response`. */
export interface IncomingResponse {
  readonly status: number;
  readonly headers: Fields;
  readonly body: IncomingBody;
  isConsumed?: boolean;
}

/** The resource `outgoing-request`. */
export class OutgoingRequest {
  readonly headers: Fields;
  method: HttpVariant = { tag: "get" };
  pathWithQuery: string | undefined;
  scheme: HttpVariant | undefined;
  authority: string | undefined;
  body: OutgoingBody | undefined;

  constructor(headers: Fields) {
    this.headers = headers;
  }
}

/** The resource `outgoing-response`. */
export class OutgoingResponse {
  readonly headers: Fields;
  status = 200;
  body: OutgoingBody | undefined;

  constructor(headers: Fields) {
    this.headers = headers;
  }
}

/** The resource `request-options`; times are nanoseconds. */
export class RequestOptions {
  connectTimeout: bigint | undefined;
  firstByteTimeout: bigint | undefined;
  betweenBytesTimeout: bigint | undefined;
  /** False for those of a request of 0.3. */
  isMutable = true;
}

type Timeout = "connectTimeout" | "firstByteTimeout" | "betweenBytesTimeout";

/** The resource `response-outparam`: takes the response of a request once. */
export interface ResponseOutparam {
  set(response: OutgoingResponse | HttpErrorCode): void;
}

/** Returns the body of a message, which its guest may take once. */
function openBody(message: OutgoingRequest | OutgoingResponse): OutgoingBody | undefined {
  if (message.body) return undefined;
  return message.body = new OutgoingBody(new OutgoingBytes(message.headers.contentLength));
}

/** `wasi:http/types` */
export function httpTypesInterface(state: P2State): P2Interface {
  const consume = (self: IncomingRequest | IncomingResponse) => {
    if (self.isConsumed) return err();
    self.isConsumed = true;
    return ok(self.body);
  };
  const set = (isValid: boolean, assign: () => void) => {
    if (isValid) assign();
    return isValid ? ok() : err();
  };
  return {
    functions: {
      // http-error-code: func(err: borrow<io-error>) -> option<error-code>
      "http-error-code": ({ cause }: IoError) =>
        cause instanceof HttpFailure ? cause.code : undefined,
      ...fieldsFunctions02,
      "[method]incoming-request.method": (self: IncomingRequest) => toMethod(self.method),
      "[method]incoming-request.path-with-query": (self: IncomingRequest) => self.pathWithQuery,
      "[method]incoming-request.scheme": (self: IncomingRequest) => self.scheme,
      "[method]incoming-request.authority": (self: IncomingRequest) => self.authority,
      "[method]incoming-request.headers": (self: IncomingRequest) => self.headers,
      "[method]incoming-request.consume": consume,
      "[constructor]outgoing-request": (headers: Fields) => new OutgoingRequest(headers.frozen()),
      "[method]outgoing-request.body": (self: OutgoingRequest) => {
        const body = openBody(self);
        return body ? ok(body) : err();
      },
      "[method]outgoing-request.method": (self: OutgoingRequest) => self.method,
      "[method]outgoing-request.set-method": (self: OutgoingRequest, method: HttpVariant) =>
        set(isMethod(fromMethod(method)), () => self.method = method),
      "[method]outgoing-request.path-with-query": (self: OutgoingRequest) => self.pathWithQuery,
      "[method]outgoing-request.set-path-with-query": (self: OutgoingRequest, path?: string) =>
        set(path === undefined || isPath(path), () => self.pathWithQuery = path),
      "[method]outgoing-request.scheme": (self: OutgoingRequest) => self.scheme,
      "[method]outgoing-request.set-scheme": (self: OutgoingRequest, scheme?: HttpVariant) =>
        set(
          scheme?.tag !== "other" || isScheme(scheme.value ?? ""),
          () => self.scheme = scheme,
        ),
      "[method]outgoing-request.authority": (self: OutgoingRequest) => self.authority,
      "[method]outgoing-request.set-authority": (self: OutgoingRequest, authority?: string) =>
        set(
          authority === undefined || isAuthority(authority),
          () => self.authority = authority,
        ),
      "[method]outgoing-request.headers": (self: OutgoingRequest) => self.headers,
      "[constructor]request-options": () => new RequestOptions(),
      ...timeoutFunctions("", "connect-timeout", "connectTimeout"),
      ...timeoutFunctions("", "first-byte-timeout", "firstByteTimeout"),
      ...timeoutFunctions("", "between-bytes-timeout", "betweenBytesTimeout"),
      // Informational responses are dropped: the server cannot send them.
      "[method]response-outparam.send-informational": (_: ResponseOutparam, status: number) =>
        status >= 100 && status < 200 ? ok() : err({ tag: "HTTP-protocol-error" }),
      "[static]response-outparam.set": (
        param: ResponseOutparam,
        response: { tag: "ok"; value: OutgoingResponse } | { tag: "error"; value: HttpErrorCode },
      ) => {
        param.set(response.value);
        return undefined;
      },
      "[method]incoming-response.status": (self: IncomingResponse) => self.status,
      "[method]incoming-response.headers": (self: IncomingResponse) => self.headers,
      "[method]incoming-response.consume": consume,
      "[method]incoming-body.stream": (self: IncomingBody) => {
        const stream = self.take();
        return stream ? ok(stream) : err();
      },
      "[static]incoming-body.finish": (self: IncomingBody) => {
        requireNoChildren(self);
        return new Future(self.trailers());
      },
      "[method]future-trailers.subscribe": (self: Future<TrailersResult>) => self,
      "[method]future-trailers.get": (self: Future<TrailersResult>) => takeFuture(self),
      "[constructor]outgoing-response": (headers: Fields) => new OutgoingResponse(headers.frozen()),
      "[method]outgoing-response.status-code": (self: OutgoingResponse) => self.status,
      "[method]outgoing-response.set-status-code": (self: OutgoingResponse, status: number) =>
        set(status >= 100 && status <= 999, () => self.status = status),
      "[method]outgoing-response.headers": (self: OutgoingResponse) => self.headers,
      "[method]outgoing-response.body": (self: OutgoingResponse) => {
        const body = openBody(self);
        return body ? ok(body) : err();
      },
      "[method]outgoing-body.write": (self: OutgoingBody) => {
        if (self.isStreamTaken) return err();
        self.isStreamTaken = true;
        self.children++;
        return ok(closing(self.bytes, () => self.children--));
      },
      "[static]outgoing-body.finish": (self: OutgoingBody, trailers?: Fields) => {
        requireNoChildren(self);
        state.assertInTime();
        const error = self.bytes.finish(trailers);
        return error ? err(error as Value) : ok();
      },
      "[method]future-incoming-response.subscribe": (self: Future<ResponseResult>) => self,
      "[method]future-incoming-response.get": (self: Future<ResponseResult>) => takeFuture(self),
    },
    // Headers do not count as children: guests drop messages before their headers, and wasmtime
    // allows it.
    parents: ["incoming-body", "outgoing-body"],
    drops: {
      // A body that is dropped without `finish` is not complete.
      "outgoing-body": (rep: OutgoingBody) => rep.bytes.abort(),
      "outgoing-response": (rep: OutgoingResponse) => rep.body?.bytes.abort(),
      "outgoing-request": (rep: OutgoingRequest) => rep.body?.bytes.abort(),
      "response-outparam": (rep: ResponseOutparam) =>
        rep.set({ tag: "internal-error", value: "the guest dropped its response-outparam" }),
    },
  };
}

/** The outcome of an outgoing request. */
export type ResponseResult =
  | { readonly tag: "ok"; readonly value: IncomingResponse }
  | { readonly tag: "error"; readonly value: HttpErrorCode };

/** Returns `option<result<T>>`: `none` while the future is pending, an error the second time. */
function takeFuture<T extends object>(future: Future<T>): Value {
  const found = future.value;
  if (!found) return undefined;
  if (future.isTaken) return err();
  future.isTaken = true;
  return ok(found.value);
}

/**
 * Returns the functions of one timeout of `request-options`.
 *
 * @param get the prefix of the getter: `get-` in 0.3.
 */
export function timeoutFunctions(
  get: "" | "get-",
  name: string,
  field: Timeout,
): P2Interface["functions"] {
  return {
    [`[method]request-options.${get}${name}`]: (self: RequestOptions) => self[field],
    [`[method]request-options.set-${name}`]: (self: RequestOptions, duration?: bigint) => {
      if (!self.isMutable) return err({ tag: "immutable" });
      self[field] = duration;
      return ok();
    },
  };
}
