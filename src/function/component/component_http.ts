import type { ComponentCaller } from "./component_caller.ts";
import { type Exchange, toResponse } from "./exchange.ts";
import { openRequestBody, type RequestBody } from "./request_body.ts";
import { type ComponentRequestHead, toRequestHead } from "./request_head.ts";

/** Settings for requests to a component. */
export interface ComponentHandlerOptions {
  /** Maximum length of a request body, in bytes; undefined for no limit. */
  readonly maxBodyBytes?: number;
}

/** Returns a handler for Deno's server that makes every request one call. */
export function createComponentHandler(
  caller: ComponentCaller,
  { maxBodyBytes }: ComponentHandlerOptions,
): (request: Request) => Response | Promise<Response> {
  const failed = (error: unknown) => caller.failed(error);
  const respond = (exchange: Exchange): Response => {
    const response = toResponse(exchange);
    exchange.body.readAhead();
    return response;
  };
  const callWith = (
    request: Request,
    head: ComponentRequestHead,
    body: RequestBody,
  ): Response | Promise<Response> => {
    const called = caller.call(head, body, (gone) => {
      const { signal } = request;
      if (signal.aborted) gone();
      else signal.addEventListener("abort", gone, { once: true });
    });
    return called instanceof Promise ? called.then(respond).catch(failed) : respond(called);
  };

  return (request) => {
    try {
      const head = toRequestHead(request);
      const body = openRequestBody(request, head, maxBodyBytes);
      if (!(body instanceof Promise)) return callWith(request, head, body);
      return body.then((opened) => callWith(request, head, opened)).catch(failed);
    } catch (error) {
      return failed(error);
    }
  };
}
