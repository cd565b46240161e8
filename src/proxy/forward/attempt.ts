import { messageOf } from "../../base/errors.ts";
import { badRequest, type ClientConnection } from "../../http1/client_connection.ts";
import { BadMessage } from "../../http1/message.ts";
import type { RequestHead } from "../../http1/request_head.ts";
import type { ResponseHead } from "../../http1/response_head.ts";
import type { Wire } from "../../http1/wire.ts";
import type { WriteBuffer } from "../../http1/write_buffer.ts";
import { ConnectError, type Upstream } from "../upstreams/upstream.ts";
import { readResponse, relayResponse, relayUpgrade, type ResponsePath } from "./relay_response.ts";
import { RequestSender } from "./request_sender.ts";

/** @see https://www.rfc-editor.org/rfc/rfc9110#name-idempotent-methods */
const idempotent: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PUT",
  "DELETE",
]);

/** The reason why an attempt sent no response to the client. */
export interface AttemptFailure {
  readonly status: 502 | 503 | 504;
  readonly code: string;
  readonly why: string;
  /** Allows a retry at no upstream, at another one, or at the same one. */
  readonly retry: "no" | "other" | "same";
}

/** `over`: the client has a response, or is gone. */
export type AttemptOutcome = { readonly kind: "over" } | {
  readonly kind: "failed";
  readonly failure: AttemptFailure;
};

const over: AttemptOutcome = { kind: "over" };

/** Options of `Attempt`. */
export interface AttemptOptions {
  readonly request: RequestHead;
  readonly client: ClientConnection;
  readonly upstream: Upstream;
  /** An empty buffer, which nothing else uses until the attempt has ended. */
  readonly out: WriteBuffer;
}

/** One attempt to have an upstream serve a request: a connection, the request, the response. */
export class Attempt {
  readonly #request: RequestHead;
  readonly #client: ClientConnection;
  readonly #upstream: Upstream;
  readonly #out: WriteBuffer;
  /** True if the request may be sent again although the upstream may have processed it. */
  readonly #isRepeatable: boolean;
  #wire: Wire | undefined;
  #isReused = false;
  #forgetClient = () => {};

  constructor({ request, client, upstream, out }: AttemptOptions) {
    this.#request = request;
    this.#client = client;
    this.#upstream = upstream;
    this.#out = out;
    this.#isRepeatable = idempotent.has(request.method) && request.body.kind === "none";
  }

  /**
   * @param target the request target for the upstream.
   * @param fields the header lines; with those of the client its `Host`.
   * @param onlyNew whether to open a new connection, as an idle one has just failed.
   */
  async run(target: string, fields: Uint8Array, onlyNew: boolean): Promise<AttemptOutcome> {
    const { method, host, replacesHost } = this.#request;
    // Otherwise the client's own `Host` is among the fields.
    const writesHost = replacesHost || host === undefined;
    const hostLine = writesHost ? `Host: ${host ?? this.#upstream.authority}\r\n` : "";
    const firstLines = `${method} ${target} HTTP/1.1\r\n${hostLine}`;
    const { wire: clientWire } = this.#client;
    this.#forgetClient = clientWire.onEnd(() => {
      this.#wire?.close();
      // A client that ended only its own side could take the cut response for a complete one.
      clientWire.close();
    });
    try {
      const wire = await this.#connect(onlyNew);
      return wire === undefined ? over : await this.#exchange(wire, firstLines, fields);
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      const { message, reason } = error;
      if (reason !== "files") this.#upstream.failed(message);
      if (this.#isClientGone) return over;
      switch (reason) {
        case "files":
          return failed(503, "ERROR_OUT_OF_FILES", message, "no");
        case "time":
          return failed(504, "ERROR_UPSTREAM_TIMEOUT", message, "other");
        case "upstream":
          return failed(502, "ERROR_UPSTREAM_UNREACHABLE", message, "other");
      }
    } finally {
      this.#forgetClient();
    }
  }

  get #isClientGone(): boolean {
    return this.#client.wire.closed;
  }

  async #connect(onlyNew: boolean): Promise<Wire | undefined> {
    if (this.#isClientGone) return undefined;
    const idle = onlyNew ? undefined : this.#upstream.takeIdle(!this.#isRepeatable);
    this.#isReused = idle !== undefined;
    const wire = idle ?? await this.#upstream.dial();
    if (this.#isClientGone) {
      wire.close();
      return undefined;
    }
    return this.#wire = wire;
  }

  async #exchange(wire: Wire, firstLines: string, fields: Uint8Array): Promise<AttemptOutcome> {
    const request = this.#request;
    const client = this.#client;
    const sender = new RequestSender({
      request,
      client,
      wire,
      firstByteMs: this.#upstream.firstByteMs,
    });
    const path: ResponsePath = { request, client, wire, sender, out: this.#out };
    try {
      await sender.start(this.#out, firstLines, fields);
      const response = await readResponse(path);
      if (response === undefined) {
        wire.close();
        return await this.#endWithoutResponse(wire, sender);
      }
      sender.beginResponse();
      this.#upstream.answered();
      await this.#relay(path, response);
      return over;
    } catch (error) {
      wire.close();
      if (!(error instanceof BadMessage)) throw error;
      if (sender.result?.kind === "bad" || this.#isClientGone) {
        return await this.#endWithoutResponse(wire, sender);
      }
      this.#upstream.failed(error.message);
      if (!client.body.done) client.closeAfterResponse();
      return failed(502, "ERROR_UPSTREAM_GARBAGE", error.message, "no");
    } finally {
      sender.stop();
    }
  }

  async #relay(path: ResponsePath, response: ResponseHead): Promise<void> {
    const { client, wire, sender } = path;
    // The client's body was late, and the client has a 408.
    if (client.responding) return wire.close();
    if (response.status === 101) {
      this.#forgetClient();
      return await relayUpgrade(path, response);
    }
    const result = await relayResponse(path, response);
    if (result.kind === "done") {
      if (response.keepAlive && sender.isWhole) {
        return this.#upstream.giveBack(wire, keepMs(response));
      }
      return wire.close();
    }
    if (result.kind !== "refused" && !this.#isClientGone && sender.result?.kind !== "bad") {
      this.#upstream.failed("a response was cut off");
    }
    wire.close();
    client.wire.close();
  }

  /** The upstream's connection ended without a response: finds the cause, and whether to retry. */
  async #endWithoutResponse(wire: Wire, { result }: RequestSender): Promise<AttemptOutcome> {
    const client = this.#client;
    if (result?.kind === "bad") {
      client.closeAfterResponse();
      await client.respond(badRequest(result.error), undefined);
      return over;
    }
    // A client that was too slow has a 408 from its connection.
    if (this.#isClientGone || result?.kind === "cut") {
      client.wire.close();
      return over;
    }
    // The rest of the body may still come: the next request has no known beginning.
    if (!client.body.done) client.closeAfterResponse();
    const reason = wire.endReason;
    if (reason?.kind === "late") {
      const why = reason.operation === "read"
        ? `no answer within ${this.#upstream.firstByteMs} ms`
        : `nothing of the request taken for ${client.timeouts.idleMs} ms`;
      this.#upstream.failed(why);
      return failed(504, "ERROR_UPSTREAM_TIMEOUT", why, "no");
    }
    const why = reason?.kind === "error"
      ? `the connection broke: ${messageOf(reason.error)}`
      : "it closed the connection without an answer";
    // An upstream may close an idle connection at any time: no sign of bad health.
    if (this.#isReused) {
      return failed(502, "ERROR_UPSTREAM_CLOSED", why, this.#isRepeatable ? "same" : "no");
    }
    this.#upstream.failed(why);
    return failed(502, "ERROR_UPSTREAM_CLOSED", why, this.#isRepeatable ? "other" : "no");
  }
}

function failed(
  status: AttemptFailure["status"],
  code: string,
  why: string,
  retry: AttemptFailure["retry"],
): AttemptOutcome {
  return { kind: "failed", failure: { status, code, why, retry } };
}

/** Returns how long to keep an idle connection: a little less than the upstream does. */
function keepMs({ keepAliveSeconds }: ResponseHead): number | undefined {
  return keepAliveSeconds === undefined ? undefined : keepAliveSeconds * 1000 - 500;
}
