import type { ClientConnection } from "../../http1/client_connection.ts";
import { parseFields } from "../../http1/fields.ts";
import type { RequestHead } from "../../http1/request_head.ts";
import { bodyTooLarge } from "../../server/read_body.ts";
import type { TrailersResult } from "../../wasi/p2/http_types.ts";
import { StreamEnd } from "../../wasi/p2/stream_end.ts";
import type { InputStream } from "../../wasi/p2/stream_types.ts";
import {
  bodyFailure,
  emptyBody,
  maxBufferedBytes,
  type RequestBody,
  TooLongError,
  wholeBody,
} from "./request_body.ts";
import { toFields } from "./wire_fields.ts";

const flag = "-maxStreamBody";
const continueLine = new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n");

/**
 * Opens the body of a request on its connection; synchronously if it is there, has no bytes or is
 * streamed.
 *
 * @param maxBytes the limit of `-maxStreamBody`.
 * @returns undefined if the connection ended before a short body.
 * @throws HttpError 413 `BODY_TOO_LARGE`, BadMessage. Thrown or rejected.
 */
export function openWireBody(
  request: RequestHead,
  client: ClientConnection,
  maxBytes = Infinity,
): RequestBody | Promise<RequestBody | undefined> {
  const { body } = request;
  if (body.kind === "none") return emptyBody;
  const length = body.kind === "length" ? body.length : 0;
  if (length > maxBytes) throw bodyTooLarge({ maxBytes, flag });
  const { wire } = client;
  const isShort = body.kind === "length" && length <= maxBufferedBytes;
  if (isShort && wire.buffered >= length) return wholeBody(client.body.take(length).slice());
  const open = () => isShort ? readShort(client, length) : new WireBody(client, maxBytes);
  if (!request.expectsContinue) return open();
  return wire.write(continueLine, client.timeouts.idleMs).then(open);
}

/** Reads a short body, so that the guest need not wait for it. */
async function readShort(
  client: ClientConnection,
  length: number,
): Promise<RequestBody | undefined> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const piece = await client.readBody(length - at);
    if (piece === undefined) return undefined;
    bytes.set(piece, at);
    at += piece.length;
  }
  return wholeBody(bytes);
}

/**
 * A body that a guest reads from the buffer of its connection. Nothing more is read from the client
 * until the guest has read the buffer, so that the client waits for the guest.
 *
 * It becomes ready only asynchronously: a call that cannot wait reads nothing of it, so that its
 * rerun finds it complete.
 */
export class WireBody implements RequestBody {
  readonly #client: ClientConnection;
  readonly #maxBytes: number;
  #state: "unopened" | "opening" | "open" | "closed" = "unopened";
  /** Bytes of the connection's buffer that the guest has not read. */
  #piece: Uint8Array<ArrayBuffer> = nothing;
  #end: StreamEnd | undefined;
  #length = 0;
  #isFilling = false;
  #isWatched = false;
  readonly #listeners = new Set<() => void>();
  readonly #closed = Promise.withResolvers<void>();

  constructor(client: ClientConnection, maxBytes: number) {
    this.#client = client;
    this.#maxBytes = maxBytes;
  }

  /** Resolves after the call: from then on the connection is free. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get stream(): InputStream {
    return {
      isReady: () => this.#isReady(),
      whenReady: (listener) => this.#whenReady(listener),
      read: (length) => this.#read(length),
      close: () => {},
    };
  }

  async trailers(): Promise<TrailersResult> {
    while (!this.#end) {
      if (this.#isReady()) this.#piece = nothing;
      else await new Promise<void>((resolve) => this.#whenReady(resolve));
    }
    if (this.#end.error) {
      return { tag: "error", value: { tag: "connection-terminated" } };
    }
    const lines = this.#client.body.trailers;
    const fields = toFields(parseFields(lines, 0, lines.length + 2), lines.slice());
    return { tag: "ok", value: fields.entries.length > 0 ? fields : undefined };
  }

  readAhead(): void {}

  /** Starts to read a little ahead, so that the end of the connection is noticed. */
  watch(): void {
    this.#isWatched = true;
    this.#fillIfWatched();
  }

  close(): void {
    this.#state = "closed";
    this.#piece = nothing;
    this.#end ??= new StreamEnd();
    this.#listeners.clear();
    this.#closed.resolve();
  }

  #isReady(): boolean {
    if (this.#piece.length > 0 || this.#end) return true;
    if (this.#state === "open") return this.#advance();
    this.#open();
    return false;
  }

  #whenReady(listener: () => void): () => void {
    let isCancelled = false;
    const call = () => {
      if (!isCancelled) listener();
    };
    if (this.#isReady()) queueMicrotask(call);
    else this.#listeners.add(call);
    return () => {
      isCancelled = true;
      this.#listeners.delete(call);
    };
  }

  #read(length: number): Uint8Array<ArrayBuffer> {
    if (!this.#isReady() || length === 0) return nothing;
    if (this.#piece.length === 0 && this.#end) throw this.#end;
    const bytes = this.#piece.subarray(0, length);
    this.#piece = this.#piece.subarray(length);
    // Not immediately: the caller uses the bytes, which a read may overwrite.
    if (this.#isWatched && this.#piece.length === 0) queueMicrotask(() => this.#fillIfWatched());
    return bytes;
  }

  #open(): void {
    if (this.#state !== "unopened") return;
    this.#state = "opening";
    queueMicrotask(() => {
      if (this.#state !== "opening") return;
      this.#state = "open";
      this.#notifyIfReady();
    });
  }

  #notifyIfReady(): void {
    if (!this.#isReady()) return;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }

  /** Takes the next bytes of the buffer, or begins to read; reports whether the body is ready. */
  #advance(): boolean {
    const { wire, body } = this.#client;
    try {
      for (let before = -1; before !== wire.start;) {
        before = wire.start;
        this.#piece = body.take(Infinity) as Uint8Array<ArrayBuffer>;
        this.#length += this.#piece.length;
        if (this.#length > this.#maxBytes) throw new TooLongError(this.#length);
        if (this.#piece.length > 0) return true;
        if (body.done) return this.#endWith(new StreamEnd());
      }
      if (wire.ended) throw new Error("the connection ended");
    } catch (error) {
      this.#piece = nothing;
      return this.#endWith(new StreamEnd(bodyFailure(error)));
    }
    if (!this.#isFilling) {
      wire.enlarge();
      this.#fill();
    }
    return false;
  }

  #fill(): void {
    this.#isFilling = true;
    void this.#client.wire.fill().then(() => {
      this.#isFilling = false;
      if (this.#state === "open" && this.#listeners.size > 0) this.#notifyIfReady();
      this.#fillIfWatched();
    });
  }

  #fillIfWatched(): void {
    const { wire } = this.#client;
    if (!this.#isWatched || this.#isFilling || this.#state === "closed" || wire.ended) return;
    if (this.#piece.length === 0 && wire.buffered < maxReadAhead) this.#fill();
  }

  #endWith(end: StreamEnd): true {
    this.#end = end;
    return true;
  }
}

/** Bytes that are read ahead to notice the end of a connection. */
export const maxReadAhead = 2048;

const nothing = new Uint8Array(0);
