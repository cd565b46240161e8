import type { Log } from "../../base/log.ts";
import { HttpError } from "../../server/http_error.ts";
import { TimeoutError } from "../../wasm/limit_errors.ts";
import { failedCallResponse } from "../failed_call_response.ts";
import { ExitError, TrapError } from "../traps.ts";
import type { ComponentFunctions } from "./component_functions.ts";
import { Exchange, respondNow, respondSoon } from "./exchange.ts";
import type { PooledComponent } from "./pooled_component.ts";
import type { RequestBody } from "./request_body.ts";
import type { ComponentRequestHead } from "./request_head.ts";

/** Makes every request one call of `wasi:http/incoming-handler`, or of `wasi:http/handler`. */
export class ComponentCaller {
  readonly #called: ComponentFunctions;
  readonly #log: Log;

  constructor(called: ComponentFunctions, log: Log) {
    this.#called = called;
    this.#log = log;
  }

  /**
   * Makes a call, and closes the body when it has ended.
   *
   * @param watch called if the call takes long, with a function that stops it: call that when the
   * client leaves.
   * @returns the exchange when its response can be sent: complete, or begun.
   * @throws the error of the call. Thrown or rejected.
   */
  call(
    head: ComponentRequestHead,
    body: RequestBody,
    watch: (gone: () => void) => void,
  ): Exchange | Promise<Exchange> {
    let exchange: Exchange | undefined;
    const answered = Promise.withResolvers<Exchange>();
    let abandon: () => void = () => {};
    const begin = ({ handler }: PooledComponent) => {
      const begun = exchange = new Exchange(head, body, handler);
      begun.onAbandoned = () => abandon();
      return begun;
    };
    try {
      const done = this.#called.call<void>({
        run: (instance) => {
          const begun = begin(instance);
          try {
            instance.entry.call(begun.args, begun.onReturn);
          } finally {
            begun.close();
          }
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
          abandon = () => stop(new HttpError(499, "CLIENT_GONE", "the client went away"));
          watch(abandon);
        },
      });
      if (!(done instanceof Promise)) {
        body.close();
        return begunOf(exchange);
      }
      done.then(
        () => respondNow(begunOf(exchange), answered),
        (error) => {
          this.#report(error);
          // The response has begun: only the log can have the error.
          if (exchange?.isAnswered) this.failed(error);
          else answered.reject(error);
        },
      ).finally(() => body.close());
      return answered.promise;
    } catch (error) {
      body.close();
      this.#report(error);
      throw error;
    }
  }

  /** Returns the response to a call that failed; logs errors that are bugs of Capsule. */
  failed(error: unknown): Response {
    return failedCallResponse(error, this.#log);
  }

  #report(error: unknown): void {
    if (error instanceof TrapError || error instanceof ExitError || error instanceof TimeoutError) {
      const message = error instanceof TrapError ? error.logMessage : error.message;
      this.#log.error(`${this.#called.options.name}: ${message}`);
    }
  }
}

function begunOf(exchange: Exchange | undefined): Exchange {
  if (!exchange) throw new Error("a call ended that did not begin");
  return exchange;
}
