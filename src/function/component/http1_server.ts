import type { ClientConnection, Serve } from "../../http1/client_connection.ts";
import { badRequest } from "../../http1/client_connection.ts";
import { BadMessage } from "../../http1/message.ts";
import type { RequestHead } from "../../http1/request_head.ts";
import type { Fields } from "../../wasi/p2/fields.ts";
import type { HttpVariant } from "../../wasi/p2/http_syntax.ts";
import type { ComponentCaller } from "./component_caller.ts";
import type { ComponentHandlerOptions } from "./component_http.ts";
import type { RequestBody } from "./request_body.ts";
import type { ComponentRequestHead } from "./request_head.ts";
import { outgoingOf } from "./exchange.ts";
import { sendResponse } from "./send_response.ts";
import { toFields } from "./wire_fields.ts";
import { maxReadAhead, openWireBody, WireBody } from "./wire_body.ts";

/** Options of `createComponentServer`. */
export interface ComponentServerOptions extends ComponentHandlerOptions {
  /** Returns the response to a path that is not a call. */
  readonly ownPage: (path: string) => Response | Promise<Response> | undefined;
}

/**
 * Returns a server of HTTP/1.1 that makes every request one call. Deno's server would read a
 * request without limit once its response has begun (2.9.6), and has no trailers.
 */
export function createComponentServer(
  caller: ComponentCaller,
  { maxBodyBytes, ownPage }: ComponentServerOptions,
): Serve {
  return async (request, client) => {
    const page = ownPage(pathOf(request.target));
    if (page) return await respond(await page, { request, client });
    const head = new WireHead(request, client.info.protocol);
    let forget = () => {};
    try {
      const opened = openWireBody(request, client, maxBodyBytes);
      if (opened instanceof Promise) head.keep();
      const body = opened instanceof Promise ? await opened : opened;
      if (!body) return;
      const called = caller.call(head, body, (gone) => {
        head.keep();
        forget = watch(client, body, gone);
      });
      if (called instanceof Promise) head.keep();
      const exchange = called instanceof Promise ? await called : called;
      const response = outgoingOf(exchange);
      try {
        await sendResponse(response, request, client);
      } catch {
        // The client left, or the guest did not finish the response.
        client.wire.close();
        response.body?.bytes.abort();
        exchange.onAbandoned();
      }
      if (body instanceof WireBody) await body.closed;
    } catch (error) {
      if (error instanceof BadMessage) return await client.respond(badRequest(error), undefined);
      await respond(caller.failed(error), { request, client });
    } finally {
      forget();
    }
  };
}

/** Calls `gone` if the connection ends, which only a read notices. */
function watch({ wire }: ClientConnection, body: RequestBody, gone: () => void): () => void {
  if (body instanceof WireBody) body.watch();
  else if (wire.buffered < maxReadAhead) void wire.fill();
  return wire.onEnd(gone);
}

async function respond(
  response: Response,
  { request, client }: { readonly request: RequestHead; readonly client: ClientConnection },
): Promise<void> {
  const { status, headers } = response;
  const body = new Uint8Array(await response.arrayBuffer());
  await client.respond({ status, headers: [...headers], body }, request);
}

/** Returns the path of a request target. */
function pathOf(target: string): string {
  const end = target.indexOf("?");
  return end < 0 ? target : target.slice(0, end);
}

/**
 * The head of a request of HTTP/1.1. Hot path: its header lines stay in the connection's buffer
 * until the call waits or a guest asks for them (bench: `components`).
 */
class WireHead implements ComponentRequestHead {
  readonly method: string;
  readonly pathWithQuery: string;
  readonly scheme: HttpVariant;
  readonly authority: string;
  #bytes: Uint8Array;
  /** The position in the connection's buffer at which `#bytes` begins. */
  #start = 0;
  #isKept = false;
  readonly #fields: RequestHead["fields"];
  #headers: Fields | undefined;

  constructor({ bytes, method, target, host, fields }: RequestHead, protocol: "http" | "https") {
    this.method = method;
    this.pathWithQuery = target;
    this.scheme = { tag: protocol === "https" ? "HTTPS" : "HTTP" };
    this.authority = host ?? "localhost";
    this.#fields = fields;
    this.#bytes = bytes;
  }

  get headers(): Fields {
    return this.#headers ??= this.#read();
  }

  /** Copies the header lines. Call it before the connection's buffer is overwritten. */
  keep(): void {
    if (this.#isKept || this.#headers) return;
    this.#isKept = true;
    this.#start = this.#fields[0]?.start ?? 0;
    this.#bytes = this.#bytes.slice(this.#start, this.#fields.at(-1)?.valueEnd ?? this.#start);
  }

  #read(): Fields {
    this.keep();
    return toFields(this.#fields, this.#bytes, this.#start);
  }
}
