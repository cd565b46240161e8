import type { HostPromise } from "../../component/instance/host.ts";
import type { Value } from "../../component/abi/codec.ts";
import type { HttpErrorCode } from "../p2/http_body.ts";
import { toAbsolute } from "../p2/http_syntax.ts";
import { type HttpSender, sendMessage } from "../p2/outgoing_handler.ts";
import { err, ok, type P2Interface } from "../p2/state.ts";
import type { P3Context } from "./context.ts";
import { type HttpRequest, HttpResponse } from "./http_message.ts";

/** `wasi:http/client` */
export function httpClientInterface({ state, tasks }: P3Context, sender: HttpSender): P2Interface {
  return {
    functions: {
      // send: async func(request: request) -> result<response, error-code>
      "send": (request: HttpRequest): Value | HostPromise => {
        state.beforeSideEffect();
        const failed = Promise.withResolvers<Value>();
        const ended = Promise.withResolvers<void>();
        const { method, scheme, authority, pathWithQuery, headers, options } = request;
        const body = request.transmit((code?: HttpErrorCode) => {
          if (code === undefined) return ended.resolve();
          request.reportSent(code);
          failed.resolve(err(code as Value));
        });
        const message = {
          ...{ method, scheme, authority, headers, body, options },
          // Otherwise `@example.org` would make the authority a user's name.
          pathWithQuery: pathWithQuery && toAbsolute(pathWithQuery),
        };
        const sent = sendMessage(state, sender, message);
        const fail = (code: HttpErrorCode) => {
          body?.abort();
          request.reportSent(code);
        };
        if (sent.tag === "error") {
          fail(sent.value);
          return sent;
        }
        const received = sent.response.then((result): Value => {
          if (result.tag === "error") {
            fail(result.value);
            return result;
          }
          tasks.add(ended.promise, () => request.reportSent());
          const { status, headers, body: received } = result.value;
          const contents = { kind: "host", body: received } as const;
          return ok(Object.assign(new HttpResponse(headers, contents, tasks), { status }));
        });
        return Object.assign(Promise.race([received, failed.promise]), { cancel: sent.abort });
      },
    },
  };
}
