import type { ClientConnection } from "../clients/client_connection.ts";
import { gather, moveBody, type Moved } from "../http1/move_body.ts";
import { Outbox } from "../http1/outbox.ts";
import type { RequestHead } from "../http1/request_head.ts";
import type { Wire } from "../http1/wire.ts";

/**
 * A request on its way to an upstream: the head at once, the rest of the body beside the answer, since an upstream may answer before it
 * has all, and must be heard for it to say `100`. It sets the deadline of the answer until that begins.
 */
export class Sending {
  /** How the sending ended; `undefined` while it goes on. */
  outcome: Moved | undefined;
  readonly #request: RequestHead;
  readonly #client: ClientConnection;
  readonly #wire: Wire;
  /** The client sends its body when the upstream has said `100`, and may take its time until then. */
  #holdsBack: boolean;
  #answerBegun = false;
  #stopped = false;

  constructor(request: RequestHead, client: ClientConnection, wire: Wire) {
    this.#request = request;
    this.#client = client;
    this.#wire = wire;
    this.#holdsBack = request.expectsContinue && !client.body.done;
  }

  /** Whether the upstream has all of the request. */
  get isWhole(): boolean {
    return this.outcome?.kind === "done";
  }

  /**
   * Sends the head, with as much of the body as has come. `firstLines` end before `fields`, which are the header lines with the empty one.
   */
  async start(outbox: Outbox, firstLines: string, fields: Uint8Array): Promise<void> {
    const { kind } = this.#request.body;
    const { wire: clientWire, body, timeouts } = this.#client;
    outbox.clear();
    outbox.text(firstLines);
    outbox.bytes(fields);
    if (kind === "length" && !this.#holdsBack) {
      gather({ body, from: clientWire, outbox, chunked: false });
    }
    if (!body.done) {
      if (this.#holdsBack) this.#awaitAnswer();
      this.#sendBody(outbox.copy());
      outbox.clear();
      return;
    }
    this.outcome = { kind: "done" };
    try {
      await outbox.flush(this.#wire, timeouts.idleMs);
    } catch {
      // Reading tells what became of the upstream; it may have answered before it closed.
    }
    outbox.clear();
    this.#awaitAnswer();
    this.#readAhead();
  }

  async #sendBody(before: Uint8Array): Promise<void> {
    const { wire: clientWire, body, patience, timeouts } = this.#client;
    using outbox = new Outbox();
    outbox.bytes(before);
    const moved = await moveBody({
      body,
      from: clientWire,
      to: this.#wire,
      outbox,
      chunked: this.#request.body.kind === "chunked",
      stallMs: timeouts.idleMs,
      readBy: () => this.#holdsBack ? Infinity : patience.readBy(),
      isStopped: () => this.#stopped,
      onRead: (bytes) => {
        // A client that does not wait for the `100` is one that sends.
        if (this.#holdsBack) this.continued();
        else patience.got(bytes);
      },
    });
    if (moved.kind === "stopped" || this.#stopped) return;
    this.outcome = moved;
    if (moved.kind === "cut" || moved.kind === "bad") return this.#wire.close();
    this.#awaitAnswer();
    if (moved.kind === "done") this.#readAhead();
  }

  #awaitAnswer(): void {
    if (!this.#answerBegun) {
      this.#wire.readByMs = this.#wire.clock.in(this.#client.timeouts.firstByteMs);
    }
  }

  /** So a client that goes away is seen. */
  #readAhead(): void {
    const { wire } = this.#client;
    if (wire.buffered < 2048) wire.fill();
  }

  /** The upstream has said `100`: now the client is waited for. */
  continued(): void {
    if (!this.#holdsBack || this.outcome !== undefined) return;
    this.#holdsBack = false;
    if (!this.#answerBegun) this.#wire.readByMs = Infinity;
    const { wire, patience } = this.#client;
    if (wire.filling) wire.readByMs = patience.readBy();
  }

  /** The answer's first bytes have come; it has deadlines of its own. */
  answerBegins(): void {
    this.#answerBegun = true;
    this.#wire.readByMs = Infinity;
  }

  /** The attempt has ended, and nobody wants the rest of the body. */
  stop(): void {
    this.#stopped = true;
  }
}
