import { type ByteString, encodeText, readByteString } from "../../base/byte_string.ts";
import type { CapsuleError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { HttpError } from "../../server/http_error.ts";
import { jsonError } from "../../server/json_error.ts";
import { readBody } from "../../server/read_body.ts";
import { TimeoutError } from "../../wasm/guest.ts";
import type { Command } from "../command.ts";
import { errorAnswer } from "../error_answer.ts";
import { ResponseHeaders } from "../response_headers.ts";
import { TrapError } from "../traps.ts";
import { AnswerWriter, type CgiAnswer } from "./answer.ts";
import { badAnswer } from "./answer_head.ts";
import { cgiEnvironment, type CgiRequest } from "./environment.ts";

/** How requests are taken. */
export interface CgiHandlerOptions {
  /** The largest body that is taken, in bytes. */
  readonly maxBodyBytes: number;
  readonly log: Log;
  /** Where this server is reached; asked at each request. */
  readonly server: () => CgiRequest["server"];
}

/** How often a program may send a request on to another path of its own. */
const maxRedirects = 10;
const nothing = new Uint8Array(0);

/**
 * Serves a program as a web server serves a CGI script (RFC 3875): every request is a run of its own. The request is in the
 * environment, its body on standard input, and the answer, head and body, on standard output.
 */
export function createCgiHandler(
  program: Command,
  options: CgiHandlerOptions,
): (request: Request, client: Deno.NetAddr) => Promise<Response> {
  const { log, maxBodyBytes, server } = options;
  const { name } = program.options;
  const headersOut = new ResponseHeaders(log);

  /** Runs the program; the answer is there when it can begin, which may be before the end of the run. */
  const run = (
    asked: CgiRequest,
    body: Uint8Array,
    signal: () => AbortSignal,
  ): Promise<CgiAnswer> => {
    let stop = (_reason: CapsuleError) => {};
    const writer = new AnswerWriter((reason) => stop(reason));
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
      // That the client went away is none of the program's faults.
      if (writer.fail(error) && !(error instanceof HttpError)) {
        log.error(`${name}: an answer was cut off: ${error.message}`);
      }
    });
    return writer.answer;
  };

  const respond = ({ head, body }: CgiAnswer, { method }: CgiRequest): Response => {
    const headers = headersOut.allowed(head.headers).map((
      [name, value],
    ): [string, string] => [name, value]);
    const isUnwritten = method === "HEAD" && body instanceof Uint8Array && body.length === 0;
    if (isUnwritten && head.contentLength !== undefined) {
      headers.push(["content-length", head.contentLength]);
    }
    return new Response(isUnwritten ? null : body, { status: head.status, headers });
  };

  const failed = (error: unknown): Response => {
    const isInvalid = error instanceof HttpError && error.status === 502;
    if (error instanceof TrapError || error instanceof TimeoutError || isInvalid) {
      log.error(`${name}: ${error.message}`);
    }
    return error instanceof TrapError
      ? jsonError(502, error.code, error.message)
      : errorAnswer(error, log);
  };

  return async (request, client) => {
    try {
      const headers: [string, string][] = [];
      let contentLength: string | null = null;
      request.headers.forEach((value, name) => {
        if (name === "content-length") contentLength = value;
        headers.push([name, value]);
      });
      const body = await readBody(request, maxBodyBytes, "-maxBody", contentLength);
      const hasBody = contentLength !== null || body.length > 0;
      let asked: CgiRequest = {
        method: request.method,
        target: targetOf(request.url),
        headers,
        bodyLength: hasBody ? body.length : undefined,
        client,
        server: server(),
      };
      let answer = await run(asked, body, () => request.signal);
      for (let redirects = 0; answer.head.insteadOf !== undefined; redirects++) {
        if (redirects === maxRedirects) {
          throw badAnswer(
            `it sent the request on ${maxRedirects} times, at last to ${answer.head.insteadOf}`,
          );
        }
        asked = redirected(asked, answer.head.insteadOf);
        answer = await run(asked, nothing, () => request.signal);
      }
      return respond(answer, asked);
    } catch (error) {
      return failed(error);
    }
  };
}

/** The same client's request for another path of this server: a GET without a body. */
function redirected(asked: CgiRequest, target: string): CgiRequest {
  return {
    ...asked,
    method: asked.method === "HEAD" ? "HEAD" : "GET",
    target,
    headers: asked.headers.filter(([name]) => !name.startsWith("content-")),
    bodyLength: undefined,
  };
}

/** Path and query of an absolute URL, in the bytes that the client sent; the server decodes what is UTF-8 there. */
function targetOf(url: string): ByteString {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  if (start < 0) return "/";
  const bytes = encodeText(url.slice(start));
  return readByteString(bytes, 0, bytes.length);
}
