import { BodyReader } from "./body_reader.ts";
import { cr, lf, tokenBytes } from "./characters.ts";
import { BadMessage } from "./message.ts";
import { parseRequestHead, type RequestHead } from "./request_head.ts";
import type { Operation, Wire } from "./wire.ts";
import type { ConnectionTimeouts } from "./timeouts.ts";
import { encodeResponse, jsonFailure, type LocalResponse } from "./local_response.ts";
import { MinimumRate } from "./minimum_rate.ts";

/** The client that a request comes from. */
export interface ClientInfo {
  readonly address: string;
  /** True for a proxy whose `X-Forwarded-…` headers are trusted. */
  readonly trusted: boolean;
  readonly protocol: "http" | "https";
}

/** Responds to one request. A client's body that it does not read ends the connection. */
export type Serve = (request: RequestHead, client: ClientConnection) => Promise<void>;

/**
 * How long a client may send when its connection ends, in milliseconds: during a body and after it.
 * Closing immediately could discard the response before the client has read it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-9.6
 */
const lingerMs = { duringBody: 2000, afterBody: 500 };
/** The largest rest of a body that is read and dropped to keep a connection. */
const maxDroppedBytes = 256 * 1024;

/** The stages of a request. */
type Phase =
  /** No byte of the request has been received. */
  | "idle"
  | "receiving-head"
  | "serving"
  /** A byte of the response has been sent. */
  | "responding";

/** A client's connection, which serves one request after another. */
export class ClientConnection {
  readonly wire: Wire;
  readonly info: ClientInfo;
  readonly timeouts: ConnectionTimeouts;
  #body: BodyReader;
  #rate: MinimumRate;
  #phase: Phase = "idle";
  #closesAfterResponse = false;
  #isStopping = false;

  constructor(wire: Wire, info: ClientInfo, timeouts: ConnectionTimeouts) {
    this.wire = wire;
    this.info = info;
    this.timeouts = timeouts;
    this.#body = new BodyReader(wire, { kind: "none" });
    this.#rate = new MinimumRate(wire.clock, timeouts.bodyMs);
    wire.onLate((operation) => this.#late(operation));
  }

  /** The body of the current request. */
  get body(): BodyReader {
    return this.#body;
  }

  /**
   * Reads up to `max` bytes of the body at its minimum transfer rate; none at its end. Returns
   * undefined if the connection ended before.
   *
   * @throws BadMessage if the body is invalid.
   */
  async readBody(max: number): Promise<Uint8Array | undefined> {
    const { wire } = this;
    while (!this.#body.done) {
      const { start, buffered } = wire;
      const piece = this.#body.take(max);
      if (piece.length > 0) return piece;
      if (wire.start !== start) continue;
      if (!await wire.fill({ by: this.#rate.deadline() })) return undefined;
      this.#rate.received(wire.buffered - buffered);
    }
    return new Uint8Array(0);
  }

  /** The minimum transfer rate of that body. */
  get rate(): MinimumRate {
    return this.#rate;
  }

  /** Reports whether the connection waits for a request and has received no byte of it. */
  get idle(): boolean {
    return this.#phase === "idle";
  }

  /** Reports whether a byte of the response to the current request has been sent. */
  get responding(): boolean {
    return this.#phase === "responding";
  }

  /** Notes that bytes of the response are about to be sent. */
  beginResponse(): void {
    this.#phase = "responding";
  }

  /** Closes the connection after the current request, whatever the client asked for. */
  closeAfterResponse(): void {
    this.#closesAfterResponse = true;
  }

  /** Serves requests until the connection ends, and closes it. Rejects only for a bug. */
  async run(serve: Serve): Promise<void> {
    try {
      while (await this.#next(serve));
    } finally {
      this.wire.close();
    }
  }

  /** Ends the connection after the current request; immediately without one. */
  stop(): void {
    this.#isStopping = true;
    if (this.idle) this.wire.close();
  }

  /** Returns the `Connection` header of a response that is sent now, if it needs one. */
  connectionHeader(request: RequestHead): "close" | "keep-alive" | undefined {
    if (!request.keepAlive || !this.#body.done || this.#isStopping) this.closeAfterResponse();
    if (this.#closesAfterResponse) return "close";
    return request.minor === 0 ? "keep-alive" : undefined;
  }

  /**
   * Sends a response of the server itself. Cuts the connection if another response has begun, which
   * would look complete otherwise.
   *
   * @param request undefined if its head or body is invalid: the connection ends.
   */
  async respond(response: LocalResponse, request: RequestHead | undefined): Promise<void> {
    if (this.responding) return this.wire.close();
    if (request === undefined) this.closeAfterResponse();
    else if (!this.#closesAfterResponse) await this.#dropBody(request);
    const connection = request === undefined ? "close" : this.connectionHeader(request);
    const bytes = encodeResponse(response, { method: request?.method ?? "GET", connection });
    this.beginResponse();
    try {
      await this.wire.write(bytes, this.timeouts.idleMs);
    } catch {
      this.wire.close();
    }
  }

  /** Reads the short rest of a body; not of a client that waits for `100 Continue`. */
  async #dropBody(request: RequestHead): Promise<void> {
    if (request.expectsContinue) return;
    try {
      for (let dropped = 0; dropped < maxDroppedBytes;) {
        const { length } = await this.readBody(65536) ?? [];
        if (length === 0) return;
        dropped += length;
      }
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
    }
  }

  /** Serves one request; returns false if the connection has ended or must end. */
  async #next(serve: Serve): Promise<boolean> {
    const { wire } = this;
    let request: RequestHead;
    try {
      const length = await this.#readHead();
      if (length === 0) return false;
      request = parseRequestHead(wire.bytes, wire.start, wire.start + length);
      wire.consume(length);
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
      await this.respond(badRequest(error), undefined);
      await this.#linger();
      return false;
    }
    this.#body = new BodyReader(wire, request.body);
    this.#rate = new MinimumRate(wire.clock, this.timeouts.bodyMs);
    await serve(request, this);
    if (wire.closed) return false;
    if (this.#closesAfterResponse || !this.#body.done) {
      await this.#linger();
      return false;
    }
    return true;
  }

  /** Returns the length of the buffered head; 0 if the connection ended before. */
  async #readHead(): Promise<number> {
    const { wire, timeouts } = this;
    let scanned = 0;
    let mayBeEmpty = true;
    let headBy: number | undefined;
    this.#phase = "receiving-head";
    for (;;) {
      const { bytes } = wire;
      if (
        mayBeEmpty && wire.buffered >= 2 && bytes[wire.start] === cr && bytes[wire.start + 1] === lf
      ) {
        // One empty line before a request is allowed (RFC 9112 § 2.2).
        wire.consume(2);
        mayBeEmpty = false;
      }
      const first = bytes[wire.start] ?? 0;
      if (wire.buffered > 0 && tokenBytes[first] !== 1 && !(first === cr && mayBeEmpty)) {
        throw new BadMessage("a request must begin with its method");
      }
      const found = wire.findBlock(scanned);
      if (found.length > 0) {
        this.#phase = "serving";
        return found.length;
      }
      scanned = found.scanned;
      let by: number;
      if (wire.buffered === 0) {
        this.#phase = "idle";
        if (this.#isStopping) return 0;
        wire.shrink();
        by = wire.clock.in(timeouts.keepAliveMs);
      } else {
        this.#phase = "receiving-head";
        by = headBy ??= wire.clock.in(timeouts.headMs);
      }
      if (!await wire.fill({ by })) return 0;
    }
  }

  /** Ends the writing side, then reads and drops what the client still sends for a while. */
  async #linger(): Promise<void> {
    const { wire } = this;
    if (wire.ended) return;
    wire.onLate(() => wire.close());
    await wire.closeWrite();
    const by = wire.clock.in(this.#body.done ? lingerMs.afterBody : lingerMs.duringBody);
    do wire.consume(wire.buffered); while (await wire.fill({ by }));
  }

  #late(operation: Operation): void {
    const { wire } = this;
    if (operation === "write" || this.idle || this.responding) return wire.close();
    this.beginResponse();
    const late = new BadMessage("the request was not received in time", 408);
    const response = encodeResponse(badRequest(late), { method: "GET", connection: "close" });
    wire.write(response, 1000).catch(() => {}).finally(() => wire.close());
  }
}

/** Makes the response to an invalid request. */
export function badRequest(error: BadMessage): LocalResponse {
  const codes: Record<number, string> = {
    408: "REQUEST_TIMEOUT",
    413: "BODY_TOO_LARGE",
    431: "HEAD_TOO_LARGE",
  };
  return jsonFailure(error.status, codes[error.status] ?? "BAD_REQUEST", error.message);
}
