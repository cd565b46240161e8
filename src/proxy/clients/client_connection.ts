import { BadMessage } from "../http1/bad_message.ts";
import { BodyReader } from "../http1/body_reader.ts";
import { cr, lf, tokenBytes } from "../http1/characters.ts";
import { parseRequestHead, type RequestHead } from "../http1/request_head.ts";
import type { Wire } from "../http1/wire.ts";
import type { Timeouts } from "../timeouts.ts";
import { encodeResponse, jsonFailure, type LocalResponse } from "./local_response.ts";
import { Patience } from "./patience.ts";
import type { Sender } from "./sender.ts";

/** Answers one request. The client's body that it leaves over costs the connection. */
export type Serve = (request: RequestHead, client: ClientConnection) => Promise<void>;

/** How long a client whose connection ends may go on sending, so that it reads the answer before it is cut: in a body, and after it. */
const lingerMs = { body: 2000, after: 500 };

/** A client's connection, from request to request. */
export class ClientConnection {
  readonly wire: Wire;
  readonly sender: Sender;
  readonly timeouts: Timeouts;
  /** The body of the current request. */
  body: BodyReader;
  patience: Patience;
  /** Whether any byte of the answer to the current request has gone out. */
  answered = false;
  /** Whether the client can have been told that its connection goes on: it is closed after this request otherwise. */
  keep = true;
  #idle = true;
  #stopping = false;

  constructor(wire: Wire, sender: Sender, timeouts: Timeouts) {
    this.wire = wire;
    this.sender = sender;
    this.timeouts = timeouts;
    this.body = new BodyReader(wire, { kind: "none" });
    this.patience = new Patience(wire.clock, timeouts.bodyMs);
    wire.onLate = () => this.#late();
  }

  /** Serves until the connection ends, and closes it. Never rejects but for a bug. */
  async run(serve: Serve): Promise<void> {
    try {
      while (this.keep && await this.#next(serve));
    } finally {
      this.wire.close();
    }
  }

  /** Whether it waits for a request, of which nothing has come. */
  get idle(): boolean {
    return this.#idle;
  }

  /** After the current request the connection ends; at once, when there is none. */
  stop(): void {
    this.#stopping = true;
    if (this.#idle) this.wire.close();
  }

  /** What to tell the client of its connection with an answer that is about to go, once the body's fate is known. */
  connectionHeader(request: RequestHead): "close" | "keep-alive" | undefined {
    if (!request.keepAlive || !this.body.done || this.#stopping) this.keep = false;
    if (!this.keep) return "close";
    return request.minor === 0 ? "keep-alive" : undefined;
  }

  /** Sends an answer of our own, unless an answer has begun: then the connection is cut, so that it cannot look whole. */
  async respond(response: LocalResponse, request: RequestHead | undefined): Promise<void> {
    if (this.answered) return this.wire.close();
    if (request === undefined) this.keep = false;
    else if (this.keep) await this.#finishBody(request);
    const connection = request === undefined ? "close" : this.connectionHeader(request);
    const bytes = encodeResponse(response, { method: request?.method ?? "GET", connection });
    this.answered = true;
    try {
      await this.wire.write(bytes, this.timeouts.idleMs);
    } catch {
      this.wire.close();
    }
  }

  /** Reads what little is left of a body, so that the connection can go on. A client that waits for a `100` has sent none. */
  async #finishBody(request: RequestHead): Promise<void> {
    if (request.expectsContinue) return;
    try {
      for (let seen = 0; !this.body.done && seen < 256 * 1024;) {
        const before = this.wire.start;
        const { length } = this.body.take(65536);
        seen += length;
        if (length > 0 || this.wire.start !== before) continue;
        this.wire.readByMs = this.patience.readBy();
        if (!await this.wire.fill()) return;
        this.patience.got(this.wire.buffered);
      }
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
    } finally {
      this.wire.readByMs = Infinity;
    }
  }

  /** One request; false when the connection has ended or must end. */
  async #next(serve: Serve): Promise<boolean> {
    const { wire } = this;
    this.answered = false;
    let request: RequestHead;
    try {
      const end = await this.#readHead();
      if (end === 0) return false;
      request = parseRequestHead(wire.bytes, wire.start, end);
      wire.start = end;
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
      await this.respond(badRequest(error), undefined);
      await this.#linger();
      return false;
    }
    this.body = new BodyReader(wire, request.body);
    this.patience = new Patience(wire.clock, this.timeouts.bodyMs);
    await serve(request, this);
    if (wire.closed) return false;
    if (!this.keep || !this.body.done) {
      await this.#linger();
      return false;
    }
    return true;
  }

  async #readHead(): Promise<number> {
    const { wire, timeouts } = this;
    let seen = 0;
    let mayBeEmpty = true;
    let begun = false;
    for (;;) {
      if (
        mayBeEmpty && wire.buffered >= 2 && wire.bytes[wire.start] === cr &&
        wire.bytes[wire.start + 1] === lf
      ) {
        // An empty line before a request is forgiven, once. @see https://www.rfc-editor.org/rfc/rfc9112#section-2.2
        wire.start += 2;
        mayBeEmpty = false;
      }
      const first = wire.bytes[wire.start] ?? 0;
      if (wire.buffered > 0 && tokenBytes[first] !== 1 && !(first === cr && mayBeEmpty)) {
        throw new BadMessage("a request must begin with its method");
      }
      const found = wire.blockEnd(seen);
      if (found.end > 0) {
        this.#idle = false;
        wire.readByMs = Infinity;
        return found.end;
      }
      seen = found.lineStart - wire.start;
      this.#idle = wire.buffered === 0;
      if (this.#idle) {
        if (this.#stopping) return 0;
        wire.shrink();
        wire.readByMs = wire.clock.in(timeouts.keepAliveMs);
      } else if (!begun) {
        begun = true;
        wire.readByMs = wire.clock.in(timeouts.headMs);
      }
      if (!await wire.fill()) return 0;
    }
  }

  /** Nothing more is said; what the client still sends is read and dropped for a while. A close at once could take the answer from it. */
  async #linger(): Promise<void> {
    const { wire } = this;
    if (wire.ended) return;
    wire.onLate = () => wire.close();
    await wire.closeWrite();
    wire.readByMs = wire.clock.in(this.body.done ? lingerMs.after : lingerMs.body);
    do wire.start = wire.end; while (await wire.fill());
  }

  #late(): void {
    const { wire } = this;
    if (wire.late === "write" || this.#idle || this.answered) return wire.close();
    this.answered = true;
    const response = encodeResponse(
      badRequest(new BadMessage("the request did not come in time", 408)),
      {
        method: "GET",
        connection: "close",
      },
    );
    wire.write(response, 1000).catch(() => {}).finally(() => wire.close());
  }
}

/** What a client is told that sent something else than HTTP/1.1. */
export function badRequest(error: BadMessage): LocalResponse {
  const codes: Record<number, string> = {
    408: "REQUEST_TIMEOUT",
    413: "BODY_TOO_LARGE",
    431: "HEAD_TOO_LARGE",
  };
  return jsonFailure(error.status, codes[error.status] ?? "BAD_REQUEST", error.message);
}
