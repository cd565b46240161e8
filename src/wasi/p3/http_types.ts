import type { SharedFuture, SharedStream } from "../../component/async/shared_copies.ts";
import { type Fields, fieldsFunctions03 } from "../p2/fields.ts";
import {
  fromMethod,
  type HttpVariant,
  isAuthority,
  isMethod,
  isPath,
  isScheme,
  toAbsolute,
  toMethod,
} from "../p2/http_syntax.ts";
import { RequestOptions, timeoutFunctions } from "../p2/http_types.ts";
import { err, ok, type P2Interface } from "../p2/state.ts";
import type { P3Context } from "./context.ts";
import { hostFuture } from "./copies.ts";
import { type HttpMessage, HttpRequest, HttpResponse } from "./http_message.ts";

/** `wasi:http/types` */
export function httpTypesInterface({ tasks }: P3Context): P2Interface {
  const set = (isValid: boolean, assign: () => void) => {
    if (isValid) assign();
    return isValid ? ok() : err();
  };
  const contentsOf = (stream: SharedStream | undefined, trailers: SharedFuture) =>
    ({ kind: "guest", stream, trailers, sent: hostFuture() }) as const;
  const consume = (self: HttpMessage, handled: SharedFuture) => self.consume(handled);
  const drop = (self: HttpMessage) => self.drop();
  return {
    functions: {
      ...fieldsFunctions03,
      // new: static func(headers, contents: option<stream<u8>>, trailers: future<…>,
      //   options: option<request-options>) -> tuple<request, future<result<_, error-code>>>
      "[static]request.new": (
        headers: Fields,
        stream: SharedStream | undefined,
        trailers: SharedFuture,
        options: RequestOptions | undefined,
      ) => {
        const contents = contentsOf(stream, trailers);
        const request = new HttpRequest(headers.frozen(), contents, tasks);
        request.options = options && copyOf(options, false);
        return [request, contents.sent.future];
      },
      "[method]request.get-method": (self: HttpRequest) => self.method,
      "[method]request.set-method": (self: HttpRequest, method: HttpVariant) => {
        const text = fromMethod(method);
        return set(isMethod(text), () => self.method = toMethod(text));
      },
      "[method]request.get-path-with-query": (self: HttpRequest) => self.pathWithQuery,
      "[method]request.set-path-with-query": (self: HttpRequest, given?: string) => {
        // A fragment is not sent (RFC 9110 § 7.1).
        const path = given?.replace(/#.*/, "");
        return set(
          path === undefined || isPath(toAbsolute(path)),
          () => self.pathWithQuery = path === "" ? "/" : path,
        );
      },
      "[method]request.get-scheme": (self: HttpRequest) => self.scheme,
      "[method]request.set-scheme": (self: HttpRequest, scheme?: HttpVariant) =>
        set(
          scheme?.tag !== "other" || isScheme(scheme.value ?? ""),
          () => self.scheme = scheme && toScheme(scheme),
        ),
      "[method]request.get-authority": (self: HttpRequest) => self.authority,
      "[method]request.set-authority": (self: HttpRequest, authority?: string) =>
        set(authority === undefined || isAuthority(authority), () => self.authority = authority),
      "[method]request.get-options": (self: HttpRequest) => self.options,
      "[method]request.get-headers": (self: HttpRequest) => self.headers,
      // consume-body: static func(this: request, res: future<result<_, error-code>>)
      //   -> tuple<stream<u8>, future<result<option<trailers>, error-code>>>
      "[static]request.consume-body": consume,
      "[constructor]request-options": () => new RequestOptions(),
      ...timeoutFunctions("get-", "connect-timeout", "connectTimeout"),
      ...timeoutFunctions("get-", "first-byte-timeout", "firstByteTimeout"),
      ...timeoutFunctions("get-", "between-bytes-timeout", "betweenBytesTimeout"),
      "[method]request-options.clone": (self: RequestOptions) => copyOf(self, true),
      // new: static func(headers, contents: option<stream<u8>>, trailers: future<…>)
      //   -> tuple<response, future<result<_, error-code>>>
      "[static]response.new": (
        headers: Fields,
        stream: SharedStream | undefined,
        trailers: SharedFuture,
      ) => {
        const contents = contentsOf(stream, trailers);
        return [new HttpResponse(headers.frozen(), contents, tasks), contents.sent.future];
      },
      "[method]response.get-status-code": (self: HttpResponse) => self.status,
      "[method]response.set-status-code": (self: HttpResponse, status: number) =>
        set(status >= 100 && status <= 599, () => self.status = status),
      "[method]response.get-headers": (self: HttpResponse) => self.headers,
      "[static]response.consume-body": consume,
    },
    drops: { request: drop, response: drop },
  };
}

function toScheme(scheme: HttpVariant): HttpVariant {
  if (scheme.value === "http") return { tag: "HTTP" };
  return scheme.value === "https" ? { tag: "HTTPS" } : scheme;
}

function copyOf(options: RequestOptions, isMutable: boolean): RequestOptions {
  return Object.assign(new RequestOptions(), options, { isMutable });
}
