import { BadMessage } from "./bad_message.ts";
import { incoming } from "./buffers.ts";
import type { Clock, Watched } from "./clock.ts";
import { findBlockEnd, maxHeadBytes } from "./fields.ts";

/** What a wire needs of a connection. */
export type Socket = Pick<Deno.Conn, "read" | "write" | "close"> & { closeWrite?(): Promise<void> };

/** An idle connection holds no more than this. */
const smallBytes = 4096;

/**
 * A connection with a buffer before it and two deadlines. What was read and not yet used are the bytes from `start` to `end`; they stay where
 * they are until the next `fill`.
 */
export class Wire implements Watched {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(smallBytes);
  start = 0;
  end = 0;
  /** When a read, or a write, is too late, on the clock; `onLate` is told, else the connection is closed. */
  readByMs = Infinity;
  writeByMs = Infinity;
  /** Nothing more will be read. */
  ended = false;
  /** Why, when it was not the peer's orderly end. */
  failure: unknown;
  late: "read" | "write" | undefined;
  closed = false;
  onLate: (() => void) | undefined;
  /** Called when a read finds the end, and when it is closed from here; perhaps twice. */
  onEnd: (() => void) | undefined;
  readonly clock: Clock;
  readonly #socket: Socket;
  #filling: Promise<boolean> | undefined;
  #large: Uint8Array<ArrayBuffer> | undefined;

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.clock = clock;
    clock.watched.add(this);
  }

  get buffered(): number {
    return this.end - this.start;
  }

  /** Whether a read is under way. */
  get filling(): boolean {
    return this.#filling !== undefined;
  }

  /** Reads more; false at the end. Those who ask while a read is under way wait for that one. It never rejects. */
  fill(): Promise<boolean> {
    return this.#filling ??= this.#fill();
  }

  async #fill(): Promise<boolean> {
    try {
      this.#makeRoom();
      const count = this.ended ? null : await this.#socket.read(this.bytes.subarray(this.end));
      if (count !== null) {
        this.end += count;
        return true;
      }
    } catch (error) {
      this.failure = error;
    } finally {
      this.#filling = undefined;
    }
    this.ended = true;
    this.onEnd?.();
    return false;
  }

  #makeRoom(): void {
    if (this.start === this.end) this.start = this.end = 0;
    if (this.end < this.bytes.length) return;
    if (this.start > 0) {
      this.bytes.copyWithin(0, this.start, this.end);
    } else {
      const larger = new Uint8Array(this.bytes.length * 2);
      larger.set(this.bytes);
      this.#replace(larger);
    }
    this.end -= this.start;
    this.start = 0;
  }

  /** For a body that goes through: larger reads, once one has filled the buffer. Not while one is under way. */
  enlarge(): void {
    if (
      this.end < this.bytes.length || this.#large || this.#filling || this.buffered > smallBytes
    ) return;
    const large = incoming.borrow();
    large.set(this.bytes.subarray(this.start, this.end));
    this.end -= this.start;
    this.start = 0;
    this.bytes = this.#large = large;
  }

  /** An idle connection needs little. The large buffer goes to somebody else: nobody may still be writing bytes from it. */
  shrink(): void {
    if (this.#filling || this.bytes.length === smallBytes || this.buffered > smallBytes) return;
    const small = new Uint8Array(smallBytes);
    small.set(this.bytes.subarray(this.start, this.end));
    this.end -= this.start;
    this.start = 0;
    this.#replace(small);
  }

  /** A buffer for what comes at a time, of which that many bytes were the last; nobody may still be writing them. */
  fit(count: number): void {
    if (count < smallBytes) this.shrink();
    else this.enlarge();
  }

  #replace(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#large) incoming.giveBack(this.#large);
    this.#large = undefined;
    this.bytes = bytes;
  }

  /**
   * Reads until a block of lines is whole, and returns where it ends; 0 when the connection ended before.
   *
   * @throws BadMessage 431 when it is too long, 400 when it has a bare LF.
   */
  async readBlock(): Promise<number> {
    let seen = 0;
    for (;;) {
      const found = this.blockEnd(seen);
      if (found.end > 0) return found.end;
      seen = found.lineStart - this.start;
      if (!await this.fill()) return 0;
    }
  }

  /** The same of what has been read already; `from` says how much of it need not be looked at again. */
  blockEnd(from = 0): { end: number; lineStart: number } {
    const found = findBlockEnd(this.bytes, this.start + from, this.end);
    const length = (found.end || this.end) - this.start;
    if (length > maxHeadBytes) {
      throw new BadMessage(`a head may have ${maxHeadBytes} bytes, this one has more`, 431);
    }
    return found;
  }

  /**
   * Writes all; each part of it must go out within `stallMs` (0: whenever).
   *
   * @throws whatever the system says of a connection that is gone.
   */
  async write(bytes: Uint8Array, stallMs: number): Promise<void> {
    let rest = bytes;
    try {
      while (rest.length > 0) {
        this.writeByMs = this.clock.in(stallMs);
        rest = rest.subarray(await this.#socket.write(rest));
      }
    } catch (error) {
      // The system tells of a reset once: the read that comes after would take it for an orderly end.
      if (error instanceof Deno.errors.ConnectionReset) this.failure ??= error;
      throw error;
    } finally {
      this.writeByMs = Infinity;
    }
  }

  /** Says that nothing more is written. */
  async closeWrite(): Promise<void> {
    try {
      await this.#socket.closeWrite?.();
    } catch {
      // It is gone altogether.
    }
  }

  check(nowMs: number): void {
    if (nowMs < this.readByMs && nowMs < this.writeByMs) return;
    this.late = nowMs >= this.writeByMs ? "write" : "read";
    this.readByMs = this.writeByMs = Infinity;
    if (this.onLate) this.onLate();
    else this.close();
  }

  /** Closes at once, whatever is under way. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.clock.watched.delete(this);
    this.readByMs = this.writeByMs = Infinity;
    try {
      this.#socket.close();
    } catch {
      // The runtime closed it already.
    }
    // Its large buffer stays its own: a write of what was read from here may still be under way elsewhere (`shrink`).
    this.ended = true;
    this.onEnd?.();
  }
}
