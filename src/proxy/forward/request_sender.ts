import type { ClientConnection } from "../../http1/client_connection.ts";
import { moveBody, type MoveResult, takeBuffered } from "../../http1/move_body.ts";
import type { RequestHead } from "../../http1/request_head.ts";
import type { Wire } from "../../http1/wire.ts";
import { WriteBuffer } from "../../http1/write_buffer.ts";

type BodyState =
  /** The body has no deadline until the upstream has sent `100 Continue`. */
  | { readonly kind: "held" }
  | { readonly kind: "sending" }
  | { readonly kind: "ended"; readonly result: MoveResult };

/**
 * Sends a request to an upstream: the head immediately, the rest of the body while the response is
 * read, since an upstream may respond early, or with `100 Continue`. Sets the deadline of the
 * response until that begins.
 */
export class RequestSender {
  readonly #request: RequestHead;
  readonly #client: ClientConnection;
  readonly #wire: Wire;
  readonly #firstByteMs: number;
  #body: BodyState;
  #response: "awaited" | "begun" | "over" = "awaited";

  /** @param options.firstByteMs the deadline of the response after the request; 0 for no limit. */
  constructor({ request, client, wire, firstByteMs }: {
    readonly request: RequestHead;
    readonly client: ClientConnection;
    readonly wire: Wire;
    readonly firstByteMs: number;
  }) {
    this.#firstByteMs = firstByteMs;
    this.#request = request;
    this.#client = client;
    this.#wire = wire;
    const isHeld = request.expectsContinue && !client.body.done;
    this.#body = { kind: isHeld ? "held" : "sending" };
  }

  /** The result of sending; undefined while it is under way. */
  get result(): MoveResult | undefined {
    return this.#body.kind === "ended" ? this.#body.result : undefined;
  }

  /** Reports whether the whole request has been sent. */
  get isWhole(): boolean {
    return this.result?.kind === "done";
  }

  /**
   * Sends the head and the buffered part of the body.
   *
   * @param firstLines the request line and what precedes `fields`.
   * @param fields the other header lines and the empty line.
   */
  async start(out: WriteBuffer, firstLines: string, fields: Uint8Array): Promise<void> {
    const { kind } = this.#request.body;
    const { wire: clientWire, body, timeouts } = this.#client;
    const isHeld = this.#body.kind === "held";
    out.clear();
    out.text(firstLines);
    out.bytes(fields);
    if (kind === "length" && !isHeld) takeBuffered({ body, from: clientWire, out, chunked: false });
    if (!body.done) {
      if (isHeld) this.#awaitResponse();
      this.#sendBody(out.copy());
      out.clear();
      return;
    }
    this.#body = { kind: "ended", result: { kind: "done" } };
    try {
      await out.flush(this.#wire, timeouts.idleMs);
    } catch {
      // The upstream may have responded before it closed: reading shows it.
    }
    out.clear();
    this.#awaitResponse();
    this.#readAhead();
  }

  async #sendBody(before: Uint8Array): Promise<void> {
    const { wire: clientWire, body, rate, timeouts } = this.#client;
    using out = new WriteBuffer();
    out.bytes(before);
    const result = await moveBody({
      body,
      from: clientWire,
      to: this.#wire,
      out,
      chunked: this.#request.body.kind === "chunked",
      stallMs: timeouts.idleMs,
      readBy: () => this.#body.kind === "held" ? Infinity : rate.deadline(),
      isStopped: () => this.#response === "over",
      onRead: (bytes) => {
        // This client does not wait for `100 Continue`.
        if (this.#body.kind === "held") this.continueBody();
        else rate.received(bytes);
      },
    });
    if (result.kind === "stopped" || this.#response === "over") return;
    this.#body = { kind: "ended", result };
    if (result.kind === "cut" || result.kind === "bad") return this.#wire.close();
    this.#awaitResponse();
    if (result.kind === "done") this.#readAhead();
  }

  #awaitResponse(): void {
    if (this.#response !== "awaited") return;
    this.#wire.setReadDeadline(this.#wire.clock.in(this.#firstByteMs));
  }

  /** Reads from the client so that its leaving is noticed. */
  #readAhead(): void {
    const { wire } = this.#client;
    if (wire.buffered < 2048) wire.fill();
  }

  /** Notes a `100 Continue`: from now on the client's body has a deadline. */
  continueBody(): void {
    if (this.#body.kind !== "held") return;
    this.#body = { kind: "sending" };
    if (this.#response === "awaited") this.#wire.setReadDeadline(Infinity);
    const { wire, rate } = this.#client;
    if (wire.filling) wire.fill({ by: rate.deadline() });
  }

  /** Notes that the response has begun, which has deadlines of its own. */
  beginResponse(): void {
    this.#response = "begun";
    this.#wire.setReadDeadline(Infinity);
  }

  /** Stops sending: the attempt has ended. */
  stop(): void {
    this.#response = "over";
  }
}
