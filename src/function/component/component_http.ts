import type { Log } from "../../base/log.ts";
import { HttpError } from "../../server/http_error.ts";
import { TimeoutError } from "../../wasm/limit_errors.ts";
import { failedCallResponse } from "../failed_call_response.ts";
import { ExitError, TrapError } from "../traps.ts";
import type { ComponentFunctions } from "./component_functions.ts";
import { Exchange, respondNow, respondSoon, toResponse } from "./exchange.ts";
import type { PooledComponent } from "./pooled_component.ts";
import { openRequestBody, type RequestBody } from "./request_body.ts";
import { type RequestHead, toRequestHead } from "./request_head.ts";

/** Settings for requests to a component. */
export interface ComponentHandlerOptions {
  readonly log: Log;
  /** Maximum length of a request body, in bytes; undefined for no limit. */
  readonly maxBodyBytes?: number;
}

/**
 * Returns a handler that makes every request one call of `wasi:http/incoming-handler`, or of
 * `wasi:http/handler`.
 */
export function createComponentHandler(
  called: ComponentFunctions,
  { log, maxBodyBytes }: ComponentHandlerOptions,
): (request: Request) => Response | Promise<Response> {
  const failed = (error: unknown): Response => {
    if (error instanceof TrapError || error instanceof ExitError || error instanceof TimeoutError) {
      const message = error instanceof TrapError ? error.logMessage : error.message;
      log.error(`${called.options.name}: ${message}`);
    }
    return failedCallResponse(error, log);
  };

  const callWith = (
    request: Request,
    head: RequestHead,
    body: RequestBody,
  ): Response | Promise<Response> => {
    let exchange: Exchange | undefined;
    const answered = Promise.withResolvers<Response>();
    let abandon: () => void = () => {};
    const begin = ({ handler }: PooledComponent) => {
      const begun = exchange = new Exchange(head, body, handler);
      begun.onAbandoned = () => abandon();
      return begun;
    };
    try {
      const done = called.call<void>({
        run: (instance) => {
          const begun = begin(instance);
          instance.entry.call(begun.args, begun.onReturn);
          begun.close();
        },
        runAwaitable: async (instance: PooledComponent) => {
          const begun = begin(instance);
          void begun.response.then(() => respondSoon(begun, answered));
          try {
            await instance.entry.callAwaitable(begun.args, begun.onReturn);
          } finally {
            begun.close();
          }
        },
        onLong: (stop) => {
          const gone = () => stop(new HttpError(499, "CLIENT_GONE", "the client went away"));
          abandon = gone;
          if (request.signal.aborted) gone();
          else request.signal.addEventListener("abort", gone, { once: true });
        },
      });
      if (!(done instanceof Promise)) {
        body.close();
        return toResponse(begunOf(exchange));
      }
      done.then(
        () => respondNow(begunOf(exchange), answered),
        (error) => answered.resolve(failed(error)),
      ).finally(() => body.close());
      return answered.promise.catch(failed);
    } catch (error) {
      body.close();
      return failed(error);
    }
  };

  return (request) => {
    try {
      const head = toRequestHead(request);
      const body = openRequestBody(request, head, maxBodyBytes);
      if (!(body instanceof Promise)) return callWith(request, head, body);
      return body.then((opened) => callWith(request, head, opened), failed);
    } catch (error) {
      return failed(error);
    }
  };
}

function begunOf(exchange: Exchange | undefined): Exchange {
  if (!exchange) throw new Error("a call ended that did not begin");
  return exchange;
}
