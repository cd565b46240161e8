import { messageOf } from "../../base/errors.ts";
import { badRequest, type ClientConnection } from "../clients/client_connection.ts";
import { BadMessage } from "../http1/bad_message.ts";
import type { Outbox } from "../http1/outbox.ts";
import type { RequestHead } from "../http1/request_head.ts";
import type { ResponseHead } from "../http1/response_head.ts";
import type { Wire } from "../http1/wire.ts";
import { ConnectError, type Upstream } from "../upstreams/upstream.ts";
import { type AnswerPath, readAnswer, relayAnswer, relayUpgrade } from "./relay_answer.ts";
import { Sending } from "./send_request.ts";

/** Methods that mean the same once or twice. @see https://www.rfc-editor.org/rfc/rfc9110#name-idempotent-methods */
const idempotent: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PUT",
  "DELETE",
]);

/** Why an attempt came to nothing. */
export interface Failure {
  readonly status: 502 | 503 | 504;
  readonly code: string;
  readonly why: string;
  /** Where the request may be sent now: nowhere, to another upstream, or also to the same. */
  readonly again: "no" | "other" | "same";
}

export type Outcome = { readonly kind: "over" } | {
  readonly kind: "failed";
  readonly failure: Failure;
};

const over: Outcome = { kind: "over" };

export interface ExchangeOptions {
  readonly request: RequestHead;
  readonly client: ClientConnection;
  readonly upstream: Upstream;
  /** Empty, and the exchange's own until it has ended. */
  readonly outbox: Outbox;
}

/** One attempt: a connection to the upstream, the request, its answer. */
export class Exchange {
  readonly #request: RequestHead;
  readonly #client: ClientConnection;
  readonly #upstream: Upstream;
  readonly #outbox: Outbox;
  /** Whether the same request may be sent again when nobody knows what became of it. */
  readonly #mayRepeat: boolean;
  #wire: Wire | undefined;
  #reused = false;

  constructor({ request, client, upstream, outbox }: ExchangeOptions) {
    this.#request = request;
    this.#client = client;
    this.#upstream = upstream;
    this.#outbox = outbox;
    this.#mayRepeat = idempotent.has(request.method) && request.body.kind === "none";
  }

  /** `onlyNew`: an idle connection has just turned out to be dead. */
  async run(target: string, fields: Uint8Array, onlyNew: boolean): Promise<Outcome> {
    const { method, host } = this.#request;
    const hostLine = host === undefined ? `Host: ${this.#upstream.authority}\r\n` : "";
    const firstLines = `${method} ${target} HTTP/1.1\r\n${hostLine}`;
    const { wire: clientWire } = this.#client;
    clientWire.onEnd = () => {
      this.#wire?.close();
      // It may have ended its own side only: what it still takes would look like the whole, or never end.
      clientWire.close();
    };
    if (clientWire.ended) clientWire.onEnd();
    try {
      const wire = await this.#connect(onlyNew);
      return wire === undefined ? over : await this.#talk(wire, firstLines, fields);
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
      clientWire.onEnd = undefined;
    }
  }

  get #isClientGone(): boolean {
    return this.#client.wire.closed;
  }

  async #connect(onlyNew: boolean): Promise<Wire | undefined> {
    if (this.#isClientGone) return undefined;
    const idle = onlyNew ? undefined : this.#upstream.takeIdle(!this.#mayRepeat);
    this.#reused = idle !== undefined;
    const wire = idle ?? await this.#upstream.dial();
    if (this.#isClientGone) {
      wire.close();
      return undefined;
    }
    return this.#wire = wire;
  }

  async #talk(wire: Wire, firstLines: string, fields: Uint8Array): Promise<Outcome> {
    const request = this.#request;
    const client = this.#client;
    const sending = new Sending(request, client, wire);
    const path: AnswerPath = { request, client, wire, sending, outbox: this.#outbox };
    try {
      await sending.start(this.#outbox, firstLines, fields);
      const answer = await readAnswer(path);
      if (answer === undefined) {
        wire.close();
        return await this.#noAnswer(wire, sending);
      }
      sending.answerBegins();
      this.#upstream.answered();
      await this.#relay(path, answer);
      return over;
    } catch (error) {
      wire.close();
      if (!(error instanceof BadMessage)) throw error;
      if (sending.outcome?.kind === "bad" || this.#isClientGone) {
        return await this.#noAnswer(wire, sending);
      }
      this.#upstream.failed(error.message);
      if (!client.body.done) client.keep = false;
      return failed(502, "ERROR_UPSTREAM_GARBAGE", error.message, "no");
    } finally {
      sending.stop();
    }
  }

  async #relay(path: AnswerPath, answer: ResponseHead): Promise<void> {
    const { client, wire, sending } = path;
    // The client's time has run out just before the answer came, and it has been told so.
    if (client.answered) return wire.close();
    if (answer.status === 101) return await relayUpgrade(path, answer);
    const moved = await relayAnswer(path, answer);
    if (moved.kind === "done") {
      if (answer.keepAlive && sending.isWhole) return this.#upstream.giveBack(wire, keepMs(answer));
      return wire.close();
    }
    if (moved.kind !== "refused" && !this.#isClientGone && sending.outcome?.kind !== "bad") {
      this.#upstream.failed("an answer broke off");
    }
    wire.close();
    client.wire.close();
  }

  /** The upstream's connection ended without an answer: whose fault was it, and may another be asked? */
  async #noAnswer(wire: Wire, { outcome }: Sending): Promise<Outcome> {
    const client = this.#client;
    if (outcome?.kind === "bad") {
      client.keep = false;
      await client.respond(badRequest(outcome.error), undefined);
      return over;
    }
    // A client that was too slow has been told so by its connection.
    if (this.#isClientGone || outcome?.kind === "cut") {
      client.wire.close();
      return over;
    }
    // The rest of the body may still come: nobody can say where the next request begins.
    if (!client.body.done) client.keep = false;
    if (wire.late !== undefined) {
      const why = wire.late === "read"
        ? `no answer within ${client.timeouts.firstByteMs} ms`
        : `nothing of the request taken for ${client.timeouts.idleMs} ms`;
      this.#upstream.failed(why);
      return failed(504, "ERROR_UPSTREAM_TIMEOUT", why, "no");
    }
    const why = wire.failure === undefined
      ? "it closed the connection without an answer"
      : `the connection broke: ${messageOf(wire.failure)}`;
    // A connection that had been idle may be closed by the upstream: that says nothing of its health.
    if (this.#reused) {
      return failed(502, "ERROR_UPSTREAM_CLOSED", why, this.#mayRepeat ? "same" : "no");
    }
    this.#upstream.failed(why);
    return failed(502, "ERROR_UPSTREAM_CLOSED", why, this.#mayRepeat ? "other" : "no");
  }
}

function failed(
  status: Failure["status"],
  code: string,
  why: string,
  again: Failure["again"],
): Outcome {
  return { kind: "failed", failure: { status, code, why, again } };
}

/** How long the upstream keeps an idle connection, a little less to be sure. */
function keepMs({ keepAliveSeconds }: ResponseHead): number | undefined {
  return keepAliveSeconds === undefined ? undefined : keepAliveSeconds * 1000 - 500;
}
