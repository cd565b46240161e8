import { findBlockEnd, maxHeaderBytes } from "./fields.ts";
import { BadMessage } from "./message.ts";
import { ReadBuffer } from "./read_buffer.ts";
import type { HasDeadlines, TickClock } from "./tick_clock.ts";

/** The part of a connection that a wire uses. */
export type Socket = Pick<Deno.Conn, "read" | "write" | "close"> & { closeWrite?(): Promise<void> };

/** The reason why nothing more is read: the first one counts. */
export type EndReason =
  | { readonly kind: "eof" }
  | { readonly kind: "error"; readonly error: unknown }
  /** A deadline passed. */
  | { readonly kind: "late"; readonly operation: Operation };

/** An operation with a deadline. */
export type Operation = "read" | "write";

type WireState =
  | { readonly kind: "open" }
  /** A deadline passed, and its handler has not closed the connection yet. */
  | { readonly kind: "late"; readonly reason: EndReason }
  /** The peer sends nothing more; it may still take what is written. */
  | { readonly kind: "ended"; readonly reason: EndReason }
  | { readonly kind: "closed"; readonly reason: EndReason | undefined };

/**
 * A connection with a read buffer and two deadlines, on the clock. Bytes that were read and not yet
 * consumed keep their place in `bytes` until the next `fill`.
 */
export class Wire implements HasDeadlines {
  readonly clock: TickClock;
  readonly #socket: Socket;
  readonly #buffer = new ReadBuffer();
  #state: WireState = { kind: "open" };
  #readByMs = Infinity;
  /** The read deadline holds for the current read only. */
  #isForOneRead = false;
  #writeByMs = Infinity;
  #filling: Promise<boolean> | undefined;
  #reset: unknown;
  #lateHandler: ((operation: Operation) => void) | undefined;
  readonly #endListeners = new Set<() => void>();

  constructor(socket: Socket, clock: TickClock) {
    this.#socket = socket;
    this.clock = clock;
    clock.watch(this);
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.bytes;
  }

  /** The position in `bytes` of the first byte that is not consumed. */
  get start(): number {
    return this.#buffer.start;
  }

  /** The position in `bytes` after the last byte that was read. */
  get end(): number {
    return this.#buffer.end;
  }

  /** The number of bytes that were read and not consumed. */
  get buffered(): number {
    return this.#buffer.length;
  }

  /** Marks `count` of the buffered bytes as used. */
  consume(count: number): void {
    this.#buffer.consume(count);
  }

  /** Reports whether a read is under way. */
  get filling(): boolean {
    return this.#filling !== undefined;
  }

  /** Reports whether nothing more will be read. */
  get ended(): boolean {
    return this.#state.kind === "ended" || this.closed;
  }

  /** Reports whether `close` was called. */
  get closed(): boolean {
    return this.#state.kind === "closed";
  }

  /** Returns why reading ended; undefined while it has not, and where only `close` ended it. */
  get endReason(): EndReason | undefined {
    return this.#state.kind === "open" ? undefined : this.#state.reason;
  }

  /**
   * Calls the listener when reading ends or the connection is closed; immediately where that has
   * happened. Returns a function that removes the listener.
   */
  onEnd(listener: () => void): () => void {
    if (this.ended) listener();
    this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  /** Replaces the handler of a missed deadline; without one, the connection is closed. */
  onLate(handler: (operation: Operation) => void): void {
    this.#lateHandler = handler;
  }

  /** Sets the deadline of all reads from now on, also of one under way; Infinity for no limit. */
  setReadDeadline(byMs: number): void {
    this.#readByMs = byMs;
    this.#isForOneRead = false;
  }

  /**
   * Reads more and returns true, or false if reading has ended. Calls during a read wait for that
   * read. Never rejects.
   *
   * @param options.by the deadline of this read alone; without it, that of `setReadDeadline` holds.
   */
  fill({ by }: { readonly by?: number } = {}): Promise<boolean> {
    if (by !== undefined) {
      this.#readByMs = by;
      this.#isForOneRead = true;
    }
    return this.#filling ??= this.#fill();
  }

  async #fill(): Promise<boolean> {
    let reason: EndReason = { kind: "eof" };
    try {
      const room = this.#buffer.reserve();
      const count = this.ended ? null : await this.#socket.read(room);
      if (count !== null) {
        this.#buffer.received(count);
        return true;
      }
      // The system reports a reset once, to the write; the next read sees an orderly end.
      if (this.#reset !== undefined) reason = { kind: "error", error: this.#reset };
    } catch (error) {
      reason = { kind: "error", error };
    } finally {
      this.#filling = undefined;
      if (this.#isForOneRead) this.setReadDeadline(Infinity);
    }
    if (this.#state.kind === "open") this.#state = { kind: "ended", reason };
    else if (this.#state.kind === "late") this.#state = { ...this.#state, kind: "ended" };
    this.#notifyEnd();
    return false;
  }

  #notifyEnd(): void {
    for (const listener of this.#endListeners) listener();
  }

  /** Takes a large buffer for a body if the last read filled this one. */
  enlarge(): void {
    if (!this.filling) this.#buffer.enlarge();
  }

  /** Gives a large buffer back to the pool. No write from it may be pending. */
  shrink(): void {
    if (!this.filling) this.#buffer.shrink();
  }

  /** Resizes the buffer for the size of the last read. No write from it may be pending. */
  fit(count: number): void {
    if (!this.filling) this.#buffer.fit(count);
  }

  /**
   * Reads until a block of lines is complete and returns its length, with the empty line; 0 if
   * reading ended before.
   *
   * @throws BadMessage 431 if it is too long, 400 if it has a bare LF.
   */
  async readBlock(): Promise<number> {
    let scanned = 0;
    for (;;) {
      const found = this.findBlock(scanned);
      if (found.length > 0) return found.length;
      scanned = found.scanned;
      if (!await this.fill()) return 0;
    }
  }

  /**
   * Looks for a block of lines in the buffered bytes. Returns its length, 0 if it is incomplete,
   * and the number of bytes that the next search may skip: pass it as `scanned`.
   *
   * @throws BadMessage as `readBlock`.
   */
  findBlock(scanned = 0): { length: number; scanned: number } {
    const { bytes, start, end: stop } = this.#buffer;
    const { end, lineStart } = findBlockEnd(bytes, start + scanned, stop);
    const length = (end || stop) - start;
    if (length > maxHeaderBytes) {
      throw new BadMessage(`the head exceeds ${maxHeaderBytes} bytes`, 431);
    }
    return { length: end === 0 ? 0 : length, scanned: lineStart - start };
  }

  /**
   * Writes all bytes. The connection is late if the peer takes nothing for `stallMs` (0: no limit).
   *
   * @throws the system's error if the connection is gone.
   */
  async write(bytes: Uint8Array, stallMs: number): Promise<void> {
    let rest = bytes;
    try {
      while (rest.length > 0) {
        this.#writeByMs = this.clock.in(stallMs);
        rest = rest.subarray(await this.#socket.write(rest));
      }
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionReset) this.#reset ??= error;
      throw error;
    } finally {
      this.#writeByMs = Infinity;
    }
  }

  /** Ends the writing side. */
  async closeWrite(): Promise<void> {
    try {
      await this.#socket.closeWrite?.();
    } catch {
      // The connection is gone.
    }
  }

  check(nowMs: number): void {
    if (nowMs < this.#readByMs && nowMs < this.#writeByMs) return;
    const operation = nowMs >= this.#writeByMs ? "write" : "read";
    this.setReadDeadline(Infinity);
    this.#writeByMs = Infinity;
    if (this.#state.kind === "open") {
      this.#state = { kind: "late", reason: { kind: "late", operation } };
    }
    if (this.#lateHandler) this.#lateHandler(operation);
    else this.close();
  }

  /** Closes the connection immediately; a pending read returns false, a pending write rejects. */
  close(): void {
    if (this.closed) return;
    this.#state = { kind: "closed", reason: this.endReason };
    this.clock.unwatch(this);
    this.setReadDeadline(Infinity);
    this.#writeByMs = Infinity;
    try {
      this.#socket.close();
    } catch {
      // The runtime closed it already.
    }
    // The large buffer is not given back: a write from it to another wire may be pending.
    this.#notifyEnd();
  }
}
