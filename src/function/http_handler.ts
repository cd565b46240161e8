import { decodeText, writeByteString } from "../base/byte_string.ts";
import { decodeError } from "../abi/guest_strings.ts";
import { addRequestHeader } from "../abi/headers.ts";
import { decodeHttpResult, type HttpResult } from "../abi/http_result.ts";
import { allocateArguments, takeResult } from "../abi/handler_call.ts";
import type { Log } from "../base/log.ts";
import { readBody } from "../server/read_body.ts";
import { HttpError } from "../server/http_error.ts";
import { HeapFullError, TimeoutError } from "../wasm/limit_errors.ts";
import { authorityOf } from "./authority.ts";
import { failedCallResponse } from "./failed_call_response.ts";
import type { CapsuleFunction, FunctionCall } from "./function.ts";
import { ResponseHeaders, withHeaders } from "./response_headers.ts";
import { ExitError, TrapError } from "./traps.ts";

/** Errors of the guest, which are logged. */
function isFault(error: unknown): error is Error {
  return error instanceof TrapError || error instanceof ExitError ||
    error instanceof TimeoutError || error instanceof HeapFullError;
}

/** Settings for requests to a function. */
export interface HttpHandlerOptions {
  /** Maximum length of a request body, in bytes. */
  readonly maxBodyBytes: number;
  readonly log: Log;
}

/** The longest error message of a function, in bytes; the rest is left out. */
const maxErrorBytes = 64 * 1024;

function errorText(body: Uint8Array): string {
  return decodeText(body, 0, Math.min(body.length, maxErrorBytes));
}

/** Returns a handler that makes every request, of any method and path, one call. */
export function createHttpHandler(
  called: CapsuleFunction,
  options: HttpHandlerOptions,
): (request: Request) => Response | Promise<Response> {
  const { log, maxBodyBytes } = options;
  const headersOut = new ResponseHeaders(log);

  const respond = ({ failed, body, headerList }: HttpResult): Response => {
    const headers = headersOut.from(headerList);
    if (!failed) return withHeaders(new Response(body), headers);
    const message = decodeError(typeof body === "string" ? body : errorText(body)) ?? "";
    const text = headers.isJson ? JSON.stringify({ error: message, from: "host" }) : message;
    return withHeaders(new Response(text, { status: 500 }), headers);
  };

  const failed = (error: unknown): Response => {
    if (isFault(error)) {
      const message = error instanceof TrapError ? error.logMessage : error.message;
      log.error(`${called.options.name}: ${message}`);
    }
    return failedCallResponse(error, log);
  };

  const callWith = (
    request: Request,
    headers: string,
    body: Uint8Array,
  ): Response | Promise<Response> => {
    const call: FunctionCall<HttpResult> = {
      pass: (instance) => {
        const length = headers.length + body.length;
        const headersAt = allocateArguments(instance, length);
        const bodyAt = headersAt + headers.length;
        const { bytes } = instance.guest.memory;
        writeByteString(headers, bytes, headersAt);
        if (body.length === 0) return [0, 0, headersAt, headers.length];
        bytes.set(body, bodyAt);
        return [bodyAt, body.length, headersAt, headers.length];
      },
      take: (instance, result) => decodeHttpResult(takeResult(instance.guest, result)),
      onLong: (stop) => {
        const gone = () => stop(new HttpError(499, "CLIENT_GONE", "the client went away"));
        if (request.signal.aborted) gone();
        else request.signal.addEventListener("abort", gone, { once: true });
      },
    };
    try {
      const result = called.call(call);
      return result instanceof Promise ? result.then(respond, failed) : respond(result);
    } catch (error) {
      return failed(error);
    }
  };

  return (request) => {
    try {
      let contentLength: string | null = null;
      let isChunked = false;
      let hasHost = false;
      let headers = "";
      request.headers.forEach((value, name) => {
        if (name === "content-length") contentLength = value;
        else if (name === "transfer-encoding") isChunked = true;
        else if (name === "host") hasHost = true;
        headers = addRequestHeader(headers, name, value);
      });
      if (!hasHost) headers = addRequestHeader(headers, "host", authorityOf(request.url));
      const body = readBody(request, {
        maxBytes: maxBodyBytes,
        flag: "-maxBody",
        contentLength,
        isChunked,
      });
      if (!(body instanceof Promise)) return callWith(request, headers, body);
      return body.then((bytes) => callWith(request, headers, bytes), failed);
    } catch (error) {
      return failed(error);
    }
  };
}
