import { type ByteString, encodeText, readByteString } from "../../base/byte_string.ts";
import type { CapsuleError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { HttpError } from "../../server/http_error.ts";
import { jsonError } from "../../server/json_error.ts";
import { readBody } from "../../server/read_body.ts";
import { HeapFullError, TimeoutError } from "../../wasm/limit_errors.ts";
import { authorityOf } from "../authority.ts";
import type { Command } from "../command.ts";
import { failedCallResponse } from "../failed_call_response.ts";
import { ResponseHeaders } from "../response_headers.ts";
import { TrapError } from "../traps.ts";
import { type CgiResponse, ResponseWriter } from "./response_writer.ts";
import { invalidResponse } from "./response_head.ts";
import { cgiEnvironment, type CgiRequest } from "./environment.ts";

/** Settings for requests to a program. */
export interface CgiHandlerOptions {
  /** Maximum length of a request body, in bytes. */
  readonly maxBodyBytes: number;
  readonly log: Log;
  /** Returns the address of this server. Called for each request. */
  readonly server: () => CgiRequest["server"];
}

/** Local redirects (RFC 3875 § 6.2.2) that one request may cause. */
const maxRedirects = 10;
const nothing = new Uint8Array(0);

/**
 * Returns a handler that runs a program as a CGI script (RFC 3875), once per request: the request
 * is in the environment, its body on standard input, the response on standard output.
 */
export function createCgiHandler(
  program: Command,
  options: CgiHandlerOptions,
): (request: Request, client: Deno.NetAddr) => Promise<Response> {
  const { log, maxBodyBytes, server } = options;
  const { name } = program.options;
  const headersOut = new ResponseHeaders(log);

  /** Runs the program. Returns its response as soon as that can begin. */
  const run = (
    asked: CgiRequest,
    body: Uint8Array,
    signal: () => AbortSignal,
  ): Promise<CgiResponse> => {
    let stop = (_reason: CapsuleError) => {};
    const writer = new ResponseWriter((reason) => stop(reason));
    program.run({
      env: cgiEnvironment(asked),
      streams: (guest) => {
        stop = (reason) => guest.stop(reason);
        return {
          stdin: { kind: "bytes", bytes: body },
          stdout: writer.write,
          stderr: (bytes) => guest.output.write(2, bytes),
          outputWaits: true,
        };
      },
      onLong: (stop) => {
        const gone = () => stop(new HttpError(499, "CLIENT_GONE", "the client went away"));
        if (signal().aborted) gone();
        else signal().addEventListener("abort", gone, { once: true });
      },
    }).then((exitCode) => {
      if (writer.end(exitCode) && exitCode !== 0) {
        log.warn(`${name} ended with exit code ${exitCode}`);
      }
    }, (error) => {
      // A client that went away is not the program's fault.
      if (writer.fail(error) && !(error instanceof HttpError)) {
        log.error(`${name}: a response was cut off: ${logMessage(error)}`);
      }
    });
    return writer.response;
  };

  const respond = ({ head, body }: CgiResponse, { method }: CgiRequest): Response => {
    const headers = headersOut.allowed(head.headers).map((
      [name, value],
    ): [string, string] => [name, value]);
    const isUnwritten = method === "HEAD" && body instanceof Uint8Array && body.length === 0;
    const isStreamed = body instanceof ReadableStream;
    if ((isUnwritten || isStreamed) && head.contentLength !== undefined) {
      headers.push(["content-length", head.contentLength]);
    }
    return new Response(isUnwritten ? null : body, { status: head.status, headers });
  };

  const failed = (error: unknown): Response => {
    const isInvalid = error instanceof HttpError && error.status === 502;
    if (
      error instanceof TrapError || error instanceof TimeoutError ||
      error instanceof HeapFullError || isInvalid
    ) {
      log.error(`${name}: ${logMessage(error)}`);
    }
    return error instanceof TrapError
      ? jsonError(502, error.code, `the program trapped: ${error.message}`)
      : failedCallResponse(error, log);
  };

  return async (request, client) => {
    try {
      const headers: [string, string][] = [];
      let contentLength: string | null = null;
      let hasHost = false;
      request.headers.forEach((value, name) => {
        if (name === "content-length") contentLength = value;
        if (name === "host") hasHost = true;
        headers.push([name, value]);
      });
      // HTTP/1.1 requires a Host header, HTTP/2 has `:authority` instead.
      if (!hasHost) headers.push(["host", authorityOf(request.url)]);
      const body = await readBody(request, {
        maxBytes: maxBodyBytes,
        flag: "-maxBody",
        contentLength,
      });
      const hasBody = contentLength !== null || body.length > 0;
      let asked: CgiRequest = {
        method: request.method,
        target: targetOf(request.url),
        headers,
        bodyLength: hasBody ? body.length : undefined,
        client,
        server: server(),
        protocol: hasHost ? "HTTP/1.1" : "HTTP/2.0",
      };
      let response = await run(asked, body, () => request.signal);
      for (let redirects = 0; response.head.localRedirect !== undefined; redirects++) {
        if (redirects === maxRedirects) {
          throw invalidResponse(
            `it redirected the request ${maxRedirects} times, at last to ${response.head.localRedirect}`,
          );
        }
        asked = redirected(asked, response.head.localRedirect);
        response = await run(asked, nothing, () => request.signal);
      }
      return respond(response, asked);
    } catch (error) {
      return failed(error);
    }
  };
}

function logMessage(error: Error): string {
  return error instanceof TrapError ? `it trapped: ${error.logMessage}` : error.message;
}

/** Returns the request for the target of a local redirect: a GET without a body. */
function redirected(asked: CgiRequest, target: string): CgiRequest {
  return {
    ...asked,
    method: asked.method === "HEAD" ? "HEAD" : "GET",
    target,
    headers: asked.headers.filter(([name]) => !name.startsWith("content-")),
    bodyLength: undefined,
  };
}

/** Returns path and query of a URL as the client's bytes; Deno has decoded its UTF-8. */
function targetOf(url: string): ByteString {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  if (start < 0) return "/";
  const bytes = encodeText(url.slice(start));
  return readByteString(bytes, 0, bytes.length);
}
